/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEWATCH_LAB_CHURN_TLS_H
#define MEWATCH_LAB_CHURN_TLS_H

/*
 * A TLS client that says what it is told to: OpenSSL between two buffers, so that the ClientHello can
 * leave in pieces, with bytes added to it, or with the extension of an encrypted ClientHello.
 */
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include "churn.h"

#define CHURN_EXTENSION_FILL 65280 /* of no meaning to anybody */
#define CHURN_EXTENSION_ECH 0xfe0d /* RFC 9849, section 5 */
#define CHURN_FILL_MAX 16000u

/* How the ClientHello looks and leaves. */
struct churn_hello {
	const char *sni;     /* NULL: without */
	unsigned long fill;  /* bytes more, as by a post-quantum key share */
	unsigned long piece; /* bytes in each segment; 0: all at once */
	unsigned long gap;   /* milliseconds between them */
	bool ech;
};

/* The extensions that were asked for. */
static inline int churn_add_extension(SSL *ssl, unsigned int type, unsigned int context,
				      const unsigned char **ret_data, size_t *ret_length,
				      X509 *certificate, size_t chain, int *alert, void *argument)
{
	/* outer, HKDF-SHA256 and AES-128-GCM, config 7, encapsulated key and payload of zeros */
	static const unsigned char ech[8 + 32 + 2 + 64] = {0, 0, 1,  0,        1,
							   7, 0, 32, [40] = 0, [41] = 64};
	static const unsigned char zeros[CHURN_FILL_MAX];
	const struct churn_hello *hello = argument;

	*ret_data = type == CHURN_EXTENSION_ECH ? ech : zeros;
	*ret_length = type == CHURN_EXTENSION_ECH ? sizeof(ech) : hello->fill;
	return type == CHURN_EXTENSION_ECH ? hello->ech : hello->fill > 0;
}

/* A context for hellos as *hello says at the time. */
static inline SSL_CTX *churn_tls_context(struct churn_hello *hello)
{
	static const unsigned int types[] = {CHURN_EXTENSION_FILL, CHURN_EXTENSION_ECH};
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	if (!context)
		errx(1, "no TLS");
	for (size_t i = 0; i < LAB_ARRAY_SIZE(types); i++)
		if (!SSL_CTX_add_custom_ext(context, types[i], SSL_EXT_CLIENT_HELLO,
					    churn_add_extension, NULL, hello, NULL, NULL))
			errx(1, "no extension");
	SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
	return context;
}

static inline bool churn_send(int fd, const void *data, size_t length)
{
	while (length) {
		ssize_t n = send(fd, data, length, MSG_NOSIGNAL);

		if (n < 0)
			return false;
		data = (const char *)data + n;
		length -= n;
	}
	return true;
}

/* The same, a piece in each segment. */
static inline bool churn_send_pieces(int fd, const void *data, size_t length, unsigned long piece,
				     unsigned long gap)
{
	int on = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
		err(1, "TCP_NODELAY");
	while (length) {
		size_t n = piece && piece < length ? piece : length;

		if (!churn_send(fd, data, n))
			return false;
		data = (const char *)data + n;
		length -= n;
		if (length && gap)
			usleep(gap * 1000);
	}
	return true;
}

/* Sends what TLS has to say; the first flight as the hello says. */
static inline bool churn_tls_flush(SSL *ssl, int fd, const struct churn_hello *hello, bool *first)
{
	char *data;
	long length = BIO_get_mem_data(SSL_get_wbio(ssl), &data);
	bool sent;

	if (length <= 0)
		return true;
	sent = *first ? churn_send_pieces(fd, data, length, hello->piece, hello->gap)
		      : churn_send(fd, data, length);
	*first = false;
	BIO_reset(SSL_get_wbio(ssl));
	return sent;
}

/* Waits for more from the peer. False: there is none. */
static inline bool churn_tls_fill(SSL *ssl, int fd)
{
	char buffer[ME_TRAFFIC_CHUNK];
	ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

	return n > 0 && BIO_write(SSL_get_rbio(ssl), buffer, n) == n;
}

/* Whether the handshake came to its end. */
static inline bool churn_tls_handshake(SSL *ssl, int fd, const struct churn_hello *hello)
{
	bool first = true;

	for (;;) {
		int done = SSL_connect(ssl);
		int error = SSL_get_error(ssl, done);

		if (!churn_tls_flush(ssl, fd, hello, &first))
			return false;
		if (done == 1)
			return true;
		if (error != SSL_ERROR_WANT_READ || !churn_tls_fill(ssl, fd))
			return false;
	}
}

/* Sends a request and takes the answer to its end. Whether there was one. */
static inline bool churn_tls_request(SSL *ssl, int fd, const char *request)
{
	bool first = false, answered = false;
	char buffer[ME_TRAFFIC_CHUNK];

	if (SSL_write(ssl, request, strlen(request)) <= 0 ||
	    !churn_tls_flush(ssl, fd, NULL, &first))
		return false;
	for (;;) {
		int n = SSL_read(ssl, buffer, sizeof(buffer));

		answered |= n > 0;
		if (n <= 0 &&
		    (SSL_get_error(ssl, n) != SSL_ERROR_WANT_READ || !churn_tls_fill(ssl, fd)))
			return answered;
	}
}

/* Speaks TLS over the connection: the handshake, and the request unless it is NULL. */
static inline bool churn_tls_talk(SSL_CTX *context, int fd, const struct churn_hello *hello,
				  const char *request)
{
	SSL *ssl = SSL_new(context);
	bool done;

	if (!ssl)
		errx(1, "no TLS");
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	BIO_set_mem_eof_return(SSL_get_rbio(ssl), -1);
	if (hello->sni && !SSL_set_tlsext_host_name(ssl, hello->sni))
		errx(1, "no SNI");
	done = churn_tls_handshake(ssl, fd, hello) &&
	       (!request || churn_tls_request(ssl, fd, request));
	SSL_free(ssl);
	return done;
}

#endif
