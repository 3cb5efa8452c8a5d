/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libcurl's sockets on a loop. */

#include "http-socket.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

struct http_socket {
	TAILQ_ENTRY(http_socket) entry;
	struct pwned_http_sockets *sockets;
	curl_socket_t fd; /* libcurl's, perhaps closed */
	int watched_fd;   /* our duplicate */
	struct pwned_watch *watch;
};

struct pwned_http_sockets {
	struct pwned_loop *loop;
	CURLM *multi;
	pwned_http_ready_callback *ready;
	void *context;
	TAILQ_HEAD(, http_socket) list;
};

static struct http_socket *socket_new(struct pwned_http_sockets *sockets,
				      curl_socket_t fd)
{
	struct http_socket *sock = calloc(1, sizeof(*sock));

	if (sock == NULL)
		return NULL;
	sock->sockets = sockets;
	sock->fd = fd;
	sock->watched_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (sock->watched_fd < 0) {
		free(sock);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&sockets->list, sock, entry);
	return sock;
}

static void socket_free(struct http_socket *sock)
{
	struct pwned_http_sockets *sockets = sock->sockets;

	if (sock->watch != NULL)
		sockets->loop->v->watch_remove(&sock->watch);
	(void)close(sock->watched_fd);
	TAILQ_REMOVE(&sockets->list, sock, entry);
	free(sock);
}

static void on_ready(void *context, int watched_fd, unsigned int events)
{
	struct http_socket *sock = context;
	struct pwned_http_sockets *sockets = sock->sockets;
	int mask = 0;

	(void)watched_fd;
	if ((events & PWNED_LOOP_READ) != 0)
		mask |= CURL_CSELECT_IN;
	if ((events & PWNED_LOOP_WRITE) != 0)
		mask |= CURL_CSELECT_OUT;
	/* libcurl may free the socket meanwhile */
	sockets->ready(sockets->context, sock->fd, mask);
}

static void socket_watch(struct http_socket *sock, int what)
{
	struct pwned_loop *loop = sock->sockets->loop;
	unsigned int events = 0;

	if ((what & CURL_POLL_IN) != 0)
		events |= PWNED_LOOP_READ;
	if ((what & CURL_POLL_OUT) != 0)
		events |= PWNED_LOOP_WRITE;
	if (sock->watch != NULL)
		loop->v->watch_remove(&sock->watch);
	sock->watch = loop->v->watch_add(loop, sock->watched_fd, events,
					 on_ready, sock);
}

/* CURLMOPT_SOCKETFUNCTION */
static int socket_changed(CURL *easy, curl_socket_t fd, int what, void *context,
			  void *socket_context)
{
	struct pwned_http_sockets *sockets = context;
	struct http_socket *sock = socket_context;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (sock != NULL)
			socket_free(sock);
		return 0;
	}
	if (sock == NULL)
		sock = socket_new(sockets, fd);
	/* without memory the transfer is not served, and times out */
	if (sock != NULL)
		socket_watch(sock, what);
	(void)curl_multi_assign(sockets->multi, fd, sock);
	return 0;
}

static bool is_known(const struct pwned_http_sockets *sockets, int fd)
{
	const struct http_socket *sock;

	TAILQ_FOREACH(sock, &sockets->list, entry) {
		if (sock->fd == fd)
			return true;
	}
	return false;
}

/* CURLOPT_OPENSOCKETFUNCTION. A number that is free for the system may still be
   known here, and to libcurl, as that of a socket that was closed. */
static curl_socket_t open_socket(void *context, curlsocktype purpose,
				 struct curl_sockaddr *address)
{
	const struct pwned_http_sockets *sockets = context;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
			address->protocol);

	(void)purpose;
	while (fd >= 0 && is_known(sockets, fd)) {
		int higher = fcntl(fd, F_DUPFD_CLOEXEC, fd + 1);

		(void)close(fd);
		fd = higher;
	}
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

struct pwned_http_sockets *pwned_http_sockets_new(
	struct pwned_loop *loop, CURLM *multi, pwned_http_ready_callback *ready,
	void *context)
{
	struct pwned_http_sockets *sockets = calloc(1, sizeof(*sockets));

	if (sockets == NULL)
		return NULL;
	TAILQ_INIT(&sockets->list);
	sockets->loop = loop;
	sockets->multi = multi;
	sockets->ready = ready;
	sockets->context = context;
	if (curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, socket_changed) !=
		    CURLM_OK ||
	    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, sockets) != CURLM_OK)
		pwned_http_sockets_free(&sockets);
	return sockets;
}

void pwned_http_sockets_free(struct pwned_http_sockets **_sockets)
{
	struct pwned_http_sockets *sockets = *_sockets;

	*_sockets = NULL;
	if (sockets == NULL)
		return;
	while (!TAILQ_EMPTY(&sockets->list))
		socket_free(TAILQ_FIRST(&sockets->list));
	free(sockets);
}

bool pwned_http_sockets_set_easy(struct pwned_http_sockets *sockets, CURL *easy)
{
	return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION,
				open_socket) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, sockets) ==
		       CURLE_OK;
}
