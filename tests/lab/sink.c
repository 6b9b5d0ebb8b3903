/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * The far side: sink SPEC…, where a spec is KIND/PORT or KIND/LOW-HIGH; selftest/echo.h has the kinds.
 * It says `ready` when all is bound, and at SIGTERM what it saw.
 */
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include "lab.h"
#include "selftest/echo.h"

#define FILES 65536

static void serve(struct me_echo *echo, const char *kind, unsigned int port)
{
	int rc = me_echo_serve(echo, kind, port);

	if (rc == -ENOENT)
		errx(2, "%s: no such kind", kind);
	if (rc == -EPROTONOSUPPORT || rc == -ENOPROTOOPT || rc == -ESOCKTNOSUPPORT)
		me_traffic_absent("%s", kind);
	if (rc)
		errx(1, "%s/%u: %s", kind, port, strerror(-rc));
}

static void serve_spec(struct me_echo *echo, const char *spec)
{
	size_t length = strcspn(spec, "/");
	char kind[16], range[16];
	char *dash;
	unsigned int low, high;

	if (!spec[length] || length >= sizeof(kind) ||
	    (size_t)snprintf(range, sizeof(range), "%s", spec + length + 1) >= sizeof(range))
		errx(2, "%s: expected KIND/PORT or KIND/LOW-HIGH", spec);
	snprintf(kind, sizeof(kind), "%.*s", (int)length, spec);
	dash = strchr(range, '-');
	if (dash)
		*dash++ = '\0';
	low = lab_number(range, 65535);
	high = dash ? lab_number(dash, 65535) : low;
	for (unsigned int port = low; port <= high; port++)
		serve(echo, kind, port);
}

int main(int argc, char **argv)
{
	struct rlimit files = {FILES, FILES};
	struct me_echo_counts seen;
	struct me_echo *echo;
	sigset_t end;

	if (argc < 2)
		errx(2, "usage: sink KIND/PORT[-PORT]…");
	setrlimit(RLIMIT_NOFILE, &files);
	if (me_echo_new(&echo))
		err(1, "epoll");
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigprocmask(SIG_BLOCK, &end, NULL);
	for (int i = 1; i < argc; i++)
		serve_spec(echo, argv[i]);
	printf("ready\n");
	fflush(stdout);
	seen = me_echo_run(echo, signalfd(-1, &end, SFD_CLOEXEC));
	printf("connections=%lu datagrams=%lu bytes=%lu\n", seen.connections, seen.datagrams,
	       seen.bytes);
	return 0;
}
