/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A load on Dovecot's auth process: logins over its client protocol, so many at
   a time. One core of this program keeps one core of auth busy. */

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define REPLY_TIMEOUT_SECS 30
/* Requests in flight fit the socket's buffer, so that writing never waits for
   an auth that waits for us to read. */
#define IN_FLIGHT_MAX 256
#define BUFFER_SIZE   (1 << 18)
#define NSECS_PER_SEC UINT64_C(1000000000)

struct login {
	char *user;
	char *response; /* of SASL PLAIN, in base64 */
};

struct request {
	const struct login *login;
	uint64_t sent_nsecs;
};

struct buffer {
	char data[BUFFER_SIZE];
	size_t used;
};

struct load {
	const char *service;
	int fd;
	struct login *logins;
	size_t logins_count, logins_next;

	/* a request's number in the protocol is its index + 1 */
	struct request requests[IN_FLIGHT_MAX];
	unsigned int in_flight;
	bool spins; /* instead of sleeping while there is nothing to read */
	struct buffer input, output;

	/* what is answered between begin and end is measured */
	uint64_t begin_nsecs, end_nsecs;
	size_t total;
	uint32_t *latencies; /* in microseconds */
	size_t latencies_count, latencies_size;
};

struct options {
	const char *socket, *logins, *service;
	unsigned int in_flight;
	double warm_up_secs, secs;
};

static uint64_t now_nsecs(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NSECS_PER_SEC + (uint64_t)now.tv_nsec;
}

static void *grow(void *array, size_t *size, size_t item_size)
{
	*size = *size == 0 ? 1024 : *size * 2;
	array = reallocarray(array, *size, item_size);
	if (array == NULL)
		err(1, "memory");
	return array;
}

/* Lines of a user and his response, with a tab between. */
static void logins_read(struct load *load, const char *path)
{
	FILE *file = fopen(path, "r");
	size_t size = 0;
	char user[128], response[512];

	if (file == NULL)
		err(1, "%s", path);
	while (fscanf(file, "%127[^\t]\t%511[^\n]\n", user, response) == 2) {
		struct login *login;

		if (load->logins_count == size)
			load->logins = grow(load->logins, &size,
					    sizeof(*load->logins));
		login = &load->logins[load->logins_count++];
		login->user = strdup(user);
		login->response = strdup(response);
		if (login->user == NULL || login->response == NULL)
			err(1, "memory");
	}
	if (!feof(file) || load->logins_count == 0)
		errx(1, "%s: expected lines of user, tab, response", path);
	(void)fclose(file);
}

static void append(struct buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void append(struct buffer *buffer, const char *format, ...)
{
	size_t room = sizeof(buffer->data) - buffer->used;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(buffer->data + buffer->used, room, format, args);
	va_end(args);
	if (length < 0 || (size_t)length >= room)
		errx(1, "requests do not fit their buffer");
	buffer->used += (size_t)length;
}

static void flush(struct load *load)
{
	struct buffer *output = &load->output;

	for (size_t done = 0; done < output->used;) {
		ssize_t ret = write(load->fd, output->data + done,
				    output->used - done);
		if (ret < 0)
			err(1, "write to auth");
		done += (size_t)ret;
	}
	output->used = 0;
}

/* One who sleeps has to be woken, which costs auth more than much of what it
   does for a login, and the more often the slower it is. */
static ssize_t spin(const struct load *load, void *data, size_t size)
{
	uint64_t deadline = now_nsecs() + REPLY_TIMEOUT_SECS * NSECS_PER_SEC;
	ssize_t ret;

	do {
		ret = recv(load->fd, data, size, MSG_DONTWAIT);
	} while (ret < 0 && errno == EAGAIN && now_nsecs() < deadline);
	return ret;
}

/* Waits for more input. Lines that were taken must have been dropped. */
static void fill(struct load *load)
{
	struct buffer *input = &load->input;
	char *data = input->data + input->used;
	size_t size = sizeof(input->data) - input->used;
	ssize_t ret = load->spins ? spin(load, data, size) :
				    read(load->fd, data, size);

	if (ret < 0)
		err(1, "read from auth");
	if (ret == 0)
		errx(1, "auth closed the connection");
	input->used += (size_t)ret;
}

/* Ends a line in the input with a NUL and moves on; NULL: none is whole. */
static char *next_line(struct buffer *input, size_t *at)
{
	char *line = input->data + *at;
	char *end = memchr(line, '\n', input->used - *at);

	if (end == NULL)
		return NULL;
	*end = '\0';
	*at = (size_t)(end - input->data) + 1;
	return line;
}

static void drop_lines(struct buffer *input, size_t at)
{
	memmove(input->data, input->data + at, input->used - at);
	input->used -= at;
}

static void load_connect(struct load *load, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = REPLY_TIMEOUT_SECS };

	if (strlen(path) >= sizeof(address.sun_path))
		errx(1, "%s: too long for a socket", path);
	memcpy(address.sun_path, path, strlen(path));
	load->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (load->fd < 0 ||
	    setsockopt(load->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout,
		       sizeof(timeout)) < 0 ||
	    connect(load->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		err(1, "%s", path);
}

static void handshake(struct load *load)
{
	bool done = false;

	append(&load->output, "VERSION\t1\t1\nCPID\t%d\n", (int)getpid());
	flush(load);
	while (!done) {
		size_t at = 0;
		char *line;

		fill(load);
		while (!done && (line = next_line(&load->input, &at)) != NULL)
			done = strcmp(line, "DONE") == 0;
		drop_lines(&load->input, at);
	}
}

static void request_start(struct load *load, size_t index, uint64_t now)
{
	struct request *request = &load->requests[index];

	request->login = &load->logins[load->logins_next];
	request->sent_nsecs = now;
	load->logins_next = (load->logins_next + 1) % load->logins_count;
	load->in_flight++;
	append(&load->output, "AUTH\t%zu\tPLAIN\tservice=%s\tresp=%s\n",
	       index + 1, load->service, request->login->response);
}

/* A load in which logins fail would measure something else. */
static void check_reply(struct load *load, const char *line, size_t *index_r)
{
	char user[128];

	if (sscanf(line, "OK\t%zu\tuser=%127[^\t]", index_r, user) != 2)
		errx(1, "expected OK and got '%s'", line);
	*index_r -= 1;
	if (*index_r >= IN_FLIGHT_MAX ||
	    load->requests[*index_r].login == NULL ||
	    strcmp(user, load->requests[*index_r].login->user) != 0)
		errx(1, "an answer to nothing that was asked: '%s'", line);
}

static void measure(struct load *load, uint64_t sent, uint64_t now)
{
	load->total++;
	if (now < load->begin_nsecs || now >= load->end_nsecs)
		return;
	if (load->latencies_count == load->latencies_size)
		load->latencies = grow(load->latencies, &load->latencies_size,
				       sizeof(*load->latencies));
	load->latencies[load->latencies_count++] =
		(uint32_t)((now - sent) / 1000);
}

/* Every answer makes room for the next login, until the end. */
static void handle_reply(struct load *load, const char *line, uint64_t now)
{
	size_t index;

	check_reply(load, line, &index);
	measure(load, load->requests[index].sent_nsecs, now);
	load->requests[index].login = NULL;
	load->in_flight--;
	if (now < load->end_nsecs)
		request_start(load, index, now);
}

static void load_run(struct load *load, const struct options *options)
{
	uint64_t now = now_nsecs();

	load->begin_nsecs =
		now + (uint64_t)(options->warm_up_secs * NSECS_PER_SEC);
	load->end_nsecs =
		load->begin_nsecs + (uint64_t)(options->secs * NSECS_PER_SEC);
	for (size_t i = 0; i < options->in_flight; i++)
		request_start(load, i, now);
	while (load->in_flight > 0) {
		size_t at = 0;
		char *line;

		flush(load);
		fill(load);
		now = now_nsecs();
		while ((line = next_line(&load->input, &at)) != NULL)
			handle_reply(load, line, now);
		drop_lines(&load->input, at);
	}
}

static int compare_latencies(const void *_a, const void *_b)
{
	const uint32_t *a = _a, *b = _b;

	return (*a > *b) - (*a < *b);
}

static uint32_t percentile(const struct load *load, size_t percent)
{
	return load->latencies[(load->latencies_count - 1) * percent / 100];
}

/* One JSON object. total counts what was not measured as well. */
static void report(struct load *load, double secs)
{
	if (load->latencies_count == 0)
		errx(1, "no login within %g s", secs);
	qsort(load->latencies, load->latencies_count, sizeof(*load->latencies),
	      compare_latencies);
	printf("{\"total\": %zu, \"rate\": %.1f, \"p50_usecs\": %" PRIu32
	       ", \"p99_usecs\": %" PRIu32 "}\n",
	       load->total, (double)load->latencies_count / secs,
	       percentile(load, 50), percentile(load, 99));
}

static void usage(void)
{
	fputs("usage: load [-s SERVICE] [-n IN-FLIGHT] [-w WARM-UP-SECS] "
	      "[-t SECS] SOCKET LOGINS\n"
	      "Logs in over and over for some seconds. LOGINS is a file with "
	      "lines of a user,\na tab and his SASL PLAIN response in "
	      "base64.\n",
	      stderr);
	exit(64);
}

static void options_parse(struct options *options, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "s:n:w:t:")) != -1) {
		switch (option) {
		case 's':
			options->service = optarg;
			break;
		case 'n':
			options->in_flight =
				(unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 'w':
			options->warm_up_secs = strtod(optarg, NULL);
			break;
		case 't':
			options->secs = strtod(optarg, NULL);
			break;
		default:
			usage();
		}
	}
	if (argc - optind != 2 || options->in_flight < 1 ||
	    options->in_flight > IN_FLIGHT_MAX || options->warm_up_secs < 0 ||
	    options->secs <= 0)
		usage();
	options->socket = argv[optind];
	options->logins = argv[optind + 1];
}

int main(int argc, char **argv)
{
	static struct load load;
	struct options options = {
		.service = "smtp",
		.in_flight = 64,
		.warm_up_secs = 0.5,
		.secs = 3,
	};

	options_parse(&options, argc, argv);
	load.service = options.service;
	logins_read(&load, options.logins);
	load_connect(&load, options.socket);
	handshake(&load);
	/* a single login shows what it is to wake and to be woken */
	load.spins = options.in_flight > 1;
	load_run(&load, &options);
	report(&load, options.secs);
	return 0;
}
