/* SPDX-License-Identifier: GPL-2.0-only */
#include "probe/conclude.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "probe/greeting.h"

#define SUCCESS_BELOW 400
#define NOT_FOUND 404
#define METHOD_NOT_ALLOWED 405

static void set(struct me_dial *dial, enum me_probe_outcome outcome, const char *detail)
{
	dial->outcome = outcome;
	snprintf(dial->detail, sizeof(dial->detail), "%s", detail);
}

static void conclude_done(struct me_dial *dial, const struct me_dial_end *end)
{
	bool elsewhere = end->redirect && dial->name && strcmp(end->redirect, dial->name) != 0;

	set(dial, dial->certificate.problem ? ME_PROBE_CERTIFICATE : ME_PROBE_OK, "");
	dial->status = end->status;
	/* `/` is nobody's documented path: that it is not there says that the server is. */
	if (end->status >= SUCCESS_BELOW && end->status != NOT_FOUND &&
	    end->status != METHOD_NOT_ALLOWED)
		dial->outcome = ME_PROBE_HTTP;
	else if (elsewhere)
		snprintf(dial->detail, sizeof(dial->detail), "redirects to %s", end->redirect);
}

/* What the kernel makes of ICMP errors, and of what it cannot do itself. */
static const char *why_not(const struct me_dial_end *end)
{
	switch (end->error) {
	case 0:
		return end->said;
	case EHOSTUNREACH:
		return "host unreachable, or prohibited";
	case ENETUNREACH:
		return "network unreachable";
	case EACCES: /* ICMPv6 type 1, code 1 */
		return "administratively prohibited";
	default:
		return strerror(end->error);
	}
}

static void conclude_no_connection(struct me_dial *dial, const struct me_dial_end *end)
{
	const char *why = why_not(end);

	if (dial->proxy) {
		set(dial, ME_PROBE_PROXY, why);
		return;
	}
	switch (end->error) {
	case ECONNREFUSED:
		set(dial, ME_PROBE_REFUSED, "");
		break;
	case ETIMEDOUT:
		set(dial, ME_PROBE_TIMEOUT, "connecting");
		break;
	case EPERM:
		set(dial, ME_PROBE_DENIED, why);
		break;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		set(dial, ME_PROBE_INTERNAL, why);
		break;
	default:
		set(dial, ME_PROBE_UNREACHABLE, why);
	}
}

static void conclude_timeout(struct me_dial *dial, const struct me_dial_end *end)
{
	static const char *const waits[ME_PROBE_METHODS] = {
		[ME_PROBE_BY_NONE] = "",
		[ME_PROBE_BY_CONNECT] = "connecting",
		[ME_PROBE_BY_TLS] = "connected, but no handshake",
		[ME_PROBE_BY_HTTP] = "connected, but no answer",
		[ME_PROBE_BY_FTP] = "connected, but no greeting",
		[ME_PROBE_BY_DNS] = "",
	};

	if (!end->connected && dial->proxy)
		set(dial, ME_PROBE_PROXY, "the proxy does not answer");
	else if (!end->connected)
		set(dial, ME_PROBE_TIMEOUT, "connecting");
	else if (dial->proxy && dial->method == ME_PROBE_BY_TLS && !end->proxy_status)
		set(dial, ME_PROBE_TIMEOUT, "connected, but no answer of the proxy");
	else
		set(dial, ME_PROBE_TIMEOUT, waits[dial->method]);
}

/* What the library says of TLS, without whose words they are: "error:0A000458:SSL routines::…". */
static const char *last_part(const char *said)
{
	const char *at = said, *next;

	while ((next = strstr(at, "::")))
		at = next + 2;
	return *at ? at : said;
}

static void conclude_no_handshake(struct me_dial *dial, const struct me_dial_end *end)
{
	if (end->error == ECONNRESET)
		set(dial, ME_PROBE_RESET, "in the handshake");
	else
		set(dial, ME_PROBE_TLS, last_part(end->said));
}

/* Cut off, or a proxy that does not want to. */
static void conclude_cut(struct me_dial *dial, const struct me_dial_end *end)
{
	if (dial->proxy && end->proxy_status >= SUCCESS_BELOW) {
		set(dial, ME_PROBE_PROXY, "");
		dial->status = end->proxy_status;
	} else {
		set(dial, ME_PROBE_RESET,
		    dial->method == ME_PROBE_BY_FTP ? "no greeting" : end->said);
	}
}

void me_dial_conclude(struct me_dial *dial, const struct me_dial_end *end)
{
	switch (end->kind) {
	case ME_END_DONE:
		conclude_done(dial, end);
		break;
	case ME_END_NO_CONNECTION:
		conclude_no_connection(dial, end);
		break;
	case ME_END_TIMEOUT:
		conclude_timeout(dial, end);
		break;
	case ME_END_CUT:
		conclude_cut(dial, end);
		break;
	case ME_END_NO_HANDSHAKE:
		conclude_no_handshake(dial, end);
		break;
	case ME_END_NONSENSE:
		set(dial, ME_PROBE_PROTOCOL, end->said);
		break;
	case ME_END_INTERNAL:
		set(dial, ME_PROBE_INTERNAL, end->said);
		break;
	}
}

void me_dial_greeted(struct me_dial *dial, int code)
{
	if (code < 0) {
		set(dial, ME_PROBE_PROTOCOL, "no greeting of an FTP server");
		return;
	}
	set(dial, code == ME_GREETING_WELCOME ? ME_PROBE_OK : ME_PROBE_FTP, "");
	dial->status = code;
}
