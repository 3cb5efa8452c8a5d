/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A server for tests. */

#include "tiny-server.h"
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256

struct connection {
	struct tiny_server *server;
	pthread_t thread;
	int fd;
};

struct tiny_server_threads {
	pthread_mutex_t lock;
	pthread_t accepting;
	struct connection connections[CONNECTIONS_MAX];
};

/* Reads to the empty line, or the first bytes. Returns false at the end of the
   connection. */
static bool read_head(int fd, char *head, size_t size, bool anything)
{
	size_t used = 0;
	ssize_t ret;

	while (used < size - 1) {
		ret = recv(fd, head + used, size - 1 - used, 0);
		if (ret <= 0)
			return false;
		used += (size_t)ret;
		head[used] = '\0';
		if (anything || strstr(head, "\r\n\r\n") != NULL)
			return true;
	}
	return false;
}

static void *serve_connection(void *context)
{
	struct connection *connection = context;
	struct tiny_server *server = connection->server;
	pthread_mutex_t *lock = &server->threads->lock;
	char head[sizeof(server->request)];
	unsigned int number;

	while (read_head(connection->fd, head, sizeof(head),
			 server->answers_anything)) {
		(void)pthread_mutex_lock(lock);
		number = server->requests++;
		memcpy(server->request, head, sizeof(head));
		(void)pthread_mutex_unlock(lock);
		if (server->answers_max != 0 && number >= server->answers_max)
			continue;
		(void)usleep(server->delay_msecs * 1000);
		(void)send(connection->fd, server->answer,
			   strlen(server->answer), MSG_NOSIGNAL);
		if (server->close)
			break;
	}
	(void)shutdown(connection->fd, SHUT_RDWR);
	(void)pthread_mutex_lock(lock);
	server->connections_now--;
	(void)pthread_mutex_unlock(lock);
	return NULL;
}

static void *accept_connections(void *context)
{
	struct tiny_server *server = context;
	struct tiny_server_threads *threads = server->threads;
	int fd;

	while ((fd = accept(server->fd, NULL, NULL)) >= 0) {
		struct connection *connection;

		(void)pthread_mutex_lock(&threads->lock);
		if (server->connections == CONNECTIONS_MAX)
			abort();
		connection = &threads->connections[server->connections++];
		if (++server->connections_now > server->connections_max)
			server->connections_max = server->connections_now;
		(void)pthread_mutex_unlock(&threads->lock);
		connection->server = server;
		connection->fd = fd;
		if (pthread_create(&connection->thread, NULL, serve_connection,
				   connection) != 0)
			abort();
	}
	return NULL;
}

/* Returns a socket that listens on a free port. */
static int listen_somewhere(int backlog, struct sockaddr_in *address_r)
{
	socklen_t size = sizeof(*address_r);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*address_r = (struct sockaddr_in){ .sin_family = AF_INET };
	address_r->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (void *)address_r, size), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (void *)address_r, &size), 0);
	return fd;
}

void tiny_server_start(struct tiny_server *server)
{
	struct sockaddr_in address;

	server->threads = calloc(1, sizeof(*server->threads));
	assert_non_null(server->threads);
	assert_int_equal(pthread_mutex_init(&server->threads->lock, NULL), 0);
	server->fd = listen_somewhere(CONNECTIONS_MAX, &address);
	server->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&server->threads->accepting, NULL,
					accept_connections, server),
			 0);
}

void tiny_server_stop(struct tiny_server *server)
{
	struct tiny_server_threads *threads = server->threads;

	(void)shutdown(server->fd, SHUT_RDWR);
	assert_int_equal(pthread_join(threads->accepting, NULL), 0);
	(void)close(server->fd);
	for (unsigned int i = 0; i < server->connections; i++) {
		struct connection *connection = &threads->connections[i];

		(void)shutdown(connection->fd, SHUT_RDWR);
		assert_int_equal(pthread_join(connection->thread, NULL), 0);
		(void)close(connection->fd);
	}
	(void)pthread_mutex_destroy(&threads->lock);
	free(threads);
	server->threads = NULL;
}

void black_hole_open(struct black_hole *hole)
{
	struct sockaddr_in address;

	hole->fds[0] = listen_somewhere(0, &address);
	hole->port = ntohs(address.sin_port);
	/* those that find no place in the queue try on for minutes */
	for (unsigned int i = 1; i < N_ELEMENTS(hole->fds); i++) {
		hole->fds[i] = socket(
			AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		assert_true(hole->fds[i] >= 0);
		(void)connect(hole->fds[i], (void *)&address, sizeof(address));
	}
}

void black_hole_close(struct black_hole *hole)
{
	for (unsigned int i = 0; i < N_ELEMENTS(hole->fds); i++)
		(void)close(hole->fds[i]);
}
