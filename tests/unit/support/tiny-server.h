/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_TEST_TINY_SERVER_H
#define PWNED_TEST_TINY_SERVER_H

#include <stdbool.h>

/* A server on 127.0.0.1 that gives the same answer to every request, in threads
   of its own. It knows as much of HTTP as an empty line. */
struct tiny_server {
	int fd;
	unsigned int port;
	struct tiny_server_threads *threads;

	/* how it answers */
	const char *answer;
	bool close;            /* after the answer */
	bool answers_anything; /* also what is no HTTP */
	unsigned int delay_msecs;
	unsigned int answers_max; /* then it falls silent; 0: never */

	/* what it saw; to be read once nothing is under way */
	unsigned int requests;
	unsigned int connections, connections_max; /* in all, at once */
	unsigned int connections_now;
	char request[2048]; /* the last one's head */
};

/* Starts it with what stands under `how it answers`. */
void tiny_server_start(struct tiny_server *server);
/* Ends its threads and connections. */
void tiny_server_stop(struct tiny_server *server);

/* A port on 127.0.0.1 where a connection is neither made nor refused, because
   the queue of those that wait there is full. */
struct black_hole {
	int fds[8];
	unsigned int port;
};

void black_hole_open(struct black_hole *hole);
void black_hole_close(struct black_hole *hole);

#endif
