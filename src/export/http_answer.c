/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests and their answers. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/text.h"
#include "export/http_parts.h"

/* Whatever is answered loads nothing, runs nothing and stands in no frame; a page may have its style. */
#define CONTENT_POLICY                                                                             \
	"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "     \
	"frame-ancestors 'none'"

static enum MHD_Result send_body(struct MHD_Connection *mhd, unsigned int status, const char *type,
				 struct me_strbuf *body)
{
	struct me_http_connection *connection = me_http_connection_of(mhd);
	struct MHD_Response *response;
	enum MHD_Result r;

	connection->unread = body->len;
	response = MHD_create_response_from_buffer(body->len, body->data, MHD_RESPMEM_MUST_FREE);
	if (!response)
		return MHD_NO;
	*body = (struct me_strbuf){0};
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "X-Frame-Options", "DENY");
	MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	MHD_add_response_header(response, "Content-Security-Policy", CONTENT_POLICY);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	r = MHD_queue_response(mhd, status, response);
	MHD_destroy_response(response);
	return r;
}

void me_http_refuse(enum me_http_service service, const char *text, struct me_strbuf *body,
		    const char **ret_type)
{
	if (service == ME_HTTP_API) {
		me_view_error(text, body);
		*ret_type = "application/json";
		return;
	}
	me_strbuf_addf(body, "%s\n", text);
	*ret_type = "text/plain; charset=utf-8";
}

static enum MHD_Result refuse_method(const struct me_http_listener *listener,
				     struct MHD_Connection *mhd)
{
	_cleanup_strbuf_ struct me_strbuf body = {0};
	const char *type;

	me_http_refuse(listener->service,
		       listener->unlink_path
			       ? "only GET and HEAD are answered, and POST without a body"
			       : "only GET and HEAD are answered",
		       &body, &type);
	return send_body(mhd, MHD_HTTP_METHOD_NOT_ALLOWED, type, &body);
}

/* Whether the other end of the Unix socket is root, or who runs this. */
static bool is_trusted(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return !getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) &&
	       (!peer.uid || peer.uid == geteuid());
}

static enum MHD_Result answer(const struct me_http_listener *listener, struct MHD_Connection *mhd,
			      const char *path, bool post)
{
	const enum MHD_ValueKind query = MHD_GET_ARGUMENT_KIND;
	const struct me_http_request request = {
		.service = listener->service,
		.path = path,
		.query =
			{
				.limit = MHD_lookup_connection_value(mhd, query, "limit"),
				.offset = MHD_lookup_connection_value(mhd, query, "offset"),
				.sort = MHD_lookup_connection_value(mhd, query, "sort"),
				.desc = MHD_lookup_connection_value(mhd, query, "desc"),
				.filter = MHD_lookup_connection_value(mhd, query, "filter"),
				.address = MHD_lookup_connection_value(mhd, query, "address"),
				.name = MHD_lookup_connection_value(mhd, query, "name"),
				.around = MHD_lookup_connection_value(mhd, query, "around"),
				.group = MHD_lookup_connection_value(mhd, query, "group"),
				.unfold = MHD_lookup_connection_value(mhd, query, "unfold"),
				.since = MHD_lookup_connection_value(mhd, query, "since"),
				.set = MHD_lookup_connection_value(mhd, query, "set"),
				.span = MHD_lookup_connection_value(mhd, query, "for"),
			},
		.post = post,
		.trusted = post && is_trusted(mhd),
	};
	_cleanup_strbuf_ struct me_strbuf body = {0};
	struct me_http *http = listener->http;
	const char *type = "application/json";
	uint64_t began_ns;
	unsigned int status;

	me_http_make_room(http);
	began_ns = me_clock_now(CLOCK_MONOTONIC);
	status = http->answer(http->data, &request, &body, &type);
	http->turn_ns += me_clock_now(CLOCK_MONOTONIC) - began_ns;
	if (body.err) {
		me_strbuf_free(&body);
		status = MHD_HTTP_INTERNAL_SERVER_ERROR;
	}
	return send_body(mhd, status, type, &body);
}

/* The request was read: its answer and the next request have their own time. */
static void begin_anew(struct me_http_connection *connection, uint64_t now_ns)
{
	const char *limit =
		MHD_lookup_connection_value(connection->mhd, MHD_GET_ARGUMENT_KIND, "limit");
	uint64_t rows;

	connection->since_ns = now_ns;
	connection->is_next = false;
	connection->wants_much =
		limit && me_text_parse_u64(limit, ME_VIEW_LIMIT + 1, UINT64_MAX, &rows);
}

static bool has_body(struct MHD_Connection *mhd)
{
	const char *length =
		MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return (length && strcmp(length, "0")) ||
	       MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

/*
 * Whether the request has to wait until the caller has had its turn, and who wants much also until those who
 * want little were answered; a scrape never has.
 */
static bool waits(const struct me_http_listener *listener, struct me_http_connection *connection)
{
	if (listener->service == ME_HTTP_METRICS || connection->is_next)
		return false;
	if (!connection->wants_much && listener->http->turn_ns < ME_HTTP_TURN_NS)
		return false;
	connection->waits = true;
	MHD_suspend_connection(connection->mhd);
	return true;
}

/*
 * Called with the headers, with each piece of a body, at the end of the request, and again after it
 * waited. An answer to the headers closes the connection: right for what is refused, before its body is
 * read.
 */
enum MHD_Result me_http_on_request(void *data, struct MHD_Connection *mhd, const char *path,
				   const char *method, const char *version, const char *upload,
				   size_t *upload_len, void **context)
{
	const struct me_http_listener *listener = data;
	struct me_http_connection *connection = me_http_connection_of(mhd);
	bool post = !strcmp(method, "POST") && listener->unlink_path;

	(void)version;
	(void)upload;
	if (!connection || connection->ended)
		return MHD_NO;
	if ((strcmp(method, "GET") && strcmp(method, "HEAD") && !post) || (post && has_body(mhd)))
		return refuse_method(listener, mhd);
	if (*context && !*upload_len) {
		if (*context == data)
			begin_anew(connection, listener->http->now_ns);
		*context = connection;
		return waits(listener, connection) ? MHD_YES : answer(listener, mhd, path, post);
	}
	*context = data;
	*upload_len = 0;
	return MHD_YES;
}
