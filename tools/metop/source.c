/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include "metop/source.h"

static const char start_it[] =
	"start it with: sudo mewatch run (in the source tree: sudo make run)";

void me_trouble_free(struct me_trouble *trouble)
{
	me_strbuf_free(&trouble->what);
	me_strbuf_free(&trouble->remedy);
}

static void explain_url(struct me_trouble *trouble, const struct me_source *source,
			const char *detail)
{
	me_strbuf_addf(&trouble->what, "no answer from %s: %s", source->url, detail);
	me_strbuf_adds(&trouble->remedy, "the daemon there must run with --api-listen ADDR:PORT");
}

static void explain_permission(struct me_trouble *trouble, const struct me_source *source)
{
	struct stat st;
	const struct passwd *user;
	const struct group *group;

	me_strbuf_addf(&trouble->what, "permission denied on %s", source->socket);
	if (stat(source->socket, &st) < 0) {
		me_strbuf_adds(
			&trouble->remedy,
			"its directory cannot be entered: run as root, or open the directory");
		return;
	}
	user = getpwuid(st.st_uid);
	group = getgrgid(st.st_gid);
	me_strbuf_addf(&trouble->what, " (owner %s, group %s, mode %04o)",
		       user ? user->pw_name : "?", group ? group->gr_name : "?",
		       (unsigned int)(st.st_mode & 07777));
	me_strbuf_addf(&trouble->remedy, "run as root%s%s",
		       group ? " or as a member of group " : "", group ? group->gr_name : "");
}

void me_trouble_explain(struct me_trouble *trouble, const struct me_source *source, int error,
			const char *detail)
{
	if (!source->socket) {
		explain_url(trouble, source, detail);
		return;
	}
	switch (error) {
	case ENOENT:
	case ENOTDIR:
		me_strbuf_addf(&trouble->what, "mewatch is not running: no socket %s",
			       source->socket);
		me_strbuf_adds(&trouble->remedy, start_it);
		break;
	case ECONNREFUSED:
		me_strbuf_addf(&trouble->what, "mewatch is not running: nobody listens on %s",
			       source->socket);
		me_strbuf_adds(&trouble->remedy, start_it);
		break;
	case EACCES:
	case EPERM:
		explain_permission(trouble, source);
		break;
	default:
		me_strbuf_addf(&trouble->what, "no answer on %s: %s", source->socket,
			       error ? strerror(error) : detail);
		me_strbuf_adds(&trouble->remedy, "is it mewatch that listens there?");
	}
}

void me_trouble_silent(struct me_trouble *trouble, const struct me_source *source,
		       unsigned int seconds)
{
	me_strbuf_addf(&trouble->what, "%s gives no answer within %u s",
		       source->socket ? source->socket : source->url, seconds);
	me_strbuf_adds(&trouble->remedy, "mewatch may be stopped or overloaded");
}
