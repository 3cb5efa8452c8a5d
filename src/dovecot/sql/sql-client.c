/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connections to PostgreSQL, and the queries that wait for one. */

#include "lib.h"
#include "array.h"
#include "lib-event.h"
#include "llist.h"
#include "sql-api-private.h"
#include "compat-sql.h"
#include "sql-client.h"
#include "sql-conf.h"

#define CONNECTIONS_MAX 8
/* Between attempts when the database is down: twice as long each time. */
#define PROBE_MSECS      1000
#define PROBE_MSECS_MAX  5000
#define HELLO_MSECS      5000
#define TELL_EVERY_MSECS 60000
/* One connection that does not come, while others are there. */
#define CONNECT_AGAIN_MSECS 5000
/* Of a query, on other connections, when its own turns out to be closed. */
#define TRIES_MAX 2

/* The form of the tables that we know. */
#define FORM 1
/* That a server answers does not mean that it can be written. */
#define HELLO                                                                  \
	"SELECT form, pg_is_in_recovery()::int FROM pwned_form WHERE form > 0"

enum query_value_kind {
	VALUE_TEXT,
	VALUE_NUMBER,
};

struct query_value {
	enum query_value_kind kind;
	const char *text;
	int64_t number;
};

struct pwned_sql_query {
	struct pwned_sql_query *prev, *next;
	pool_t pool;
	struct pwned_sql *client;
	const char *template;
	ARRAY(struct query_value) values;
	enum pwned_sql_urgency urgency;
	struct pwned_timer *deadline;
	pwned_sql_callback *callback; /* NULL: forgotten */
	void *context;
	struct connection_slot *slot; /* NULL: it waits */
	/* how often it has failed, with a connection that was old */
	unsigned int failures;
};

struct connection_slot {
	struct pwned_sql *client;
	struct sql_db *db;
	struct pwned_sql_query *query; /* that is out */
	uint64_t next_msecs;           /* when to connect, at the earliest */
};

struct pwned_sql {
	struct pwned_loop *loop;
	struct pwned_compat_sql *compat;
	const struct pwned_sql_conf *conf;
	pwned_sql_status *status;
	void *context;
	bool hold_on;

	struct connection_slot slots[CONNECTIONS_MAX];
	unsigned int slots_count;
	/* what waits, by urgency */
	struct pwned_sql_query *heads[PWNED_SQL_SOON + 1];
	struct pwned_sql_query *tails[PWNED_SQL_SOON + 1];

	struct pwned_timer *work_timer, *probe_timer;
	unsigned int probe_msecs;
	uint64_t told_msecs;
	struct pwned_error why;
	bool down;
	bool greets; /* the hello is out or waits */
	bool fails;  /* it goes down when the loop is back */
	bool stale;  /* connections that nobody uses are dropped then */
	bool resets; /* connections end by our own doing */
	bool ends;
};

static void work(void *context);

static uint64_t now_msecs(const struct pwned_sql *client)
{
	return client->loop->v->now_msecs(client->loop);
}

static void timer_remove(struct pwned_sql *client, struct pwned_timer **timer)
{
	if (*timer != NULL)
		client->loop->v->timer_remove(timer);
}

/* lib-sql must not be told anything from within its callbacks. */
static void work_soon(struct pwned_sql *client)
{
	if (client->work_timer == NULL && !client->ends)
		client->work_timer = client->loop->v->timer_add(client->loop, 0,
								work, client);
}

static const char *one_line(const char *text)
{
	return t_str_replace(t_str_replace(text, '\n', ' '), '\t', ' ');
}

/* The first that is said of a failure counts. Texts of PostgreSQL have several
   lines. */
static void fail(struct pwned_sql *client, const char *text)
{
	if (!client->fails)
		(void)pwned_error_set(&client->why, "%s", one_line(text));
	client->fails = TRUE;
	work_soon(client);
}

static void query_free(struct pwned_sql_query *query)
{
	if (query->client != NULL)
		timer_remove(query->client, &query->deadline);
	pool_unref(&query->pool);
}

static void query_end(struct pwned_sql_query *query, bool ok,
		      struct sql_result *result)
{
	pwned_sql_callback *callback = query->callback;
	void *context = query->context;

	query_free(query);
	if (callback != NULL)
		callback(context, ok, result);
}

static void query_wait(struct pwned_sql_query *query, bool first)
{
	struct pwned_sql *client = query->client;
	struct pwned_sql_query **head = &client->heads[query->urgency];
	struct pwned_sql_query **tail = &client->tails[query->urgency];

	query->slot = NULL;
	if (first)
		DLLIST2_PREPEND(head, tail, query);
	else
		DLLIST2_APPEND(head, tail, query);
	work_soon(client);
}

static void query_wait_no_more(struct pwned_sql_query *query)
{
	struct pwned_sql *client = query->client;

	DLLIST2_REMOVE(&client->heads[query->urgency],
		       &client->tails[query->urgency], query);
}

static void query_is_late(void *context)
{
	struct pwned_sql_query *query = context;

	query->deadline = NULL;
	fail(query->client, query->slot == NULL ?
				    "no connection comes free in time" :
				    "no answer in time");
}

/* That a connection was closed meanwhile, as by a server that was started
   anew, shows when it is used. Then the others are no better. What was written
   all the same is recognised (sql-flags.c). */
static bool try_again(struct pwned_sql_query *query)
{
	struct pwned_sql *client = query->client;

	if (query->failures == TRIES_MAX || client->resets || client->fails ||
	    client->ends)
		return FALSE;
	client->stale = TRUE;
	query->failures++;
	if (query->callback == NULL)
		query_end(query, FALSE, NULL);
	else
		query_wait(query, TRUE);
	return TRUE;
}

static void on_result(struct sql_result *result, struct connection_slot *slot)
{
	struct pwned_sql *client = slot->client;
	struct pwned_sql_query *query = slot->query;
	/* to go beyond the last row would wait for the server */
	int rows = sql_result_next_row(result);

	slot->query = NULL;
	work_soon(client);
	if (rows < 0) {
		if (try_again(query))
			return;
		if (!client->resets)
			fail(client,
			     t_strconcat("a query failed: ",
					 sql_result_get_error(result), NULL));
	}
	query_end(query, rows >= 0, rows > 0 ? result : NULL);
}

static void query_send(struct pwned_sql_query *query,
		       struct connection_slot *slot)
{
	struct sql_statement *statement;
	const struct query_value *value;
	unsigned int i = 0;

	query->slot = slot;
	slot->query = query;
	T_BEGIN
	{
		statement = sql_statement_init(slot->db, query->template);
		array_foreach(&query->values, value)
		{
			if (value->kind == VALUE_TEXT)
				sql_statement_bind_str(statement, i++,
						       value->text);
			else
				sql_statement_bind_int64(statement, i++,
							 value->number);
		}
		sql_statement_query(&statement, on_result, slot);
	}
	T_END;
}

static bool is_free(const struct connection_slot *slot)
{
	return slot->db->state == SQL_DB_STATE_IDLE && slot->query == NULL;
}

static const char *connect_error(struct sql_db *db)
{
	const char *error = pwned_compat_sql_connect_error(db);

	return error != NULL ? t_strconcat("cannot connect: ", error, NULL) :
			       "cannot connect (Dovecot's own line in the log "
			       "says why)";
}

static void connect_failed(struct connection_slot *slot)
{
	struct pwned_sql *client = slot->client;

	slot->next_msecs = now_msecs(client) + CONNECT_AGAIN_MSECS;
	for (unsigned int i = 0; i < client->slots_count; i++) {
		if (client->slots[i].db->state != SQL_DB_STATE_DISCONNECTED)
			return;
	}
	fail(client, connect_error(slot->db));
}

static void on_state(struct sql_db *db, enum sql_db_state before, void *context)
{
	struct connection_slot *slot = context;
	struct pwned_sql *client = slot->client;

	if (client->resets || client->ends)
		return;
	if (before == SQL_DB_STATE_CONNECTING &&
	    db->state == SQL_DB_STATE_DISCONNECTED)
		connect_failed(slot);
	work_soon(client);
}

static void slot_reset(struct connection_slot *slot)
{
	slot->client->resets = TRUE;
	sql_disconnect(slot->db);
	slot->client->resets = FALSE;
}

static struct pwned_sql_query *next_query(struct pwned_sql *client)
{
	unsigned int free_slots = 0;

	for (unsigned int i = 0; i < client->slots_count; i++)
		free_slots += is_free(&client->slots[i]);
	if (free_slots == 0)
		return NULL;
	if (client->heads[PWNED_SQL_NOW] != NULL)
		return client->heads[PWNED_SQL_NOW];
	return free_slots > 1 || client->slots_count == 1 ?
		       client->heads[PWNED_SQL_SOON] :
		       NULL;
}

static void send_waiting(struct pwned_sql *client)
{
	struct pwned_sql_query *query;

	while (!client->fails && !client->stale &&
	       (query = next_query(client)) != NULL) {
		unsigned int i = 0;

		while (!is_free(&client->slots[i]))
			i++;
		query_wait_no_more(query);
		query_send(query, &client->slots[i]);
	}
}

/* One more connection, where something waits for it. */
static void connect_more(struct pwned_sql *client)
{
	struct connection_slot *next = NULL;

	if (client->heads[PWNED_SQL_NOW] == NULL &&
	    client->heads[PWNED_SQL_SOON] == NULL)
		return;
	for (unsigned int i = 0; i < client->slots_count; i++) {
		struct connection_slot *slot = &client->slots[i];

		if (slot->db->state == SQL_DB_STATE_CONNECTING)
			return;
		if (slot->db->state == SQL_DB_STATE_DISCONNECTED &&
		    slot->next_msecs <= now_msecs(client) && next == NULL)
			next = slot;
	}
	if (next != NULL && sql_connect(next->db) < 0)
		connect_failed(next);
}

static void drop_stale(struct pwned_sql *client)
{
	client->stale = FALSE;
	for (unsigned int i = 0; i < client->slots_count; i++) {
		struct connection_slot *slot = &client->slots[i];

		if (slot->query == NULL &&
		    slot->db->state != SQL_DB_STATE_CONNECTING)
			slot_reset(slot);
		slot->next_msecs = 0;
	}
}

static void tell_status(struct pwned_sql *client)
{
	uint64_t now = now_msecs(client);
	bool due = client->told_msecs == 0 ||
		   now - client->told_msecs >= TELL_EVERY_MSECS;

	if (!client->down) {
		if (client->told_msecs != 0)
			client->status(client->context, NULL);
		client->told_msecs = 0;
	} else if (due) {
		client->status(client->context, client->why.text);
		client->told_msecs = now == 0 ? 1 : now;
	}
	/* the driver's own lines, as often as ours */
	for (unsigned int i = 0; i < client->slots_count; i++)
		event_set_min_log_level(client->slots[i].db->event,
					client->told_msecs == 0 ?
						LOG_TYPE_INFO :
						LOG_TYPE_PANIC);
}

static void probe(void *context);

/* All that waits fails. */
static void go_down(struct pwned_sql *client)
{
	struct pwned_sql_query *query;

	client->down = TRUE;
	client->greets = FALSE;
	for (unsigned int i = 0; i < client->slots_count; i++) {
		slot_reset(&client->slots[i]);
		client->slots[i].next_msecs = 0;
	}
	for (unsigned int i = 0; i <= PWNED_SQL_SOON; i++) {
		while ((query = client->heads[i]) != NULL) {
			query_wait_no_more(query);
			query_end(query, FALSE, NULL);
		}
	}
	client->fails = FALSE;
	client->stale = FALSE;
	tell_status(client);
	if (!client->hold_on)
		return;
	timer_remove(client, &client->probe_timer);
	client->probe_timer = client->loop->v->timer_add(
		client->loop, client->probe_msecs, probe, client);
	client->probe_msecs = I_MIN(client->probe_msecs * 2, PROBE_MSECS_MAX);
}

static void work(void *context)
{
	struct pwned_sql *client = context;

	client->work_timer = NULL;
	if (client->stale && !client->fails)
		drop_stale(client);
	if (!client->fails)
		send_waiting(client);
	if (!client->fails)
		connect_more(client);
	if (client->fails)
		go_down(client);
}

static void on_hello(void *context, bool ok, struct sql_result *result)
{
	struct pwned_sql *client = context;

	client->greets = FALSE;
	if (!ok)
		return;
	if (result == NULL) {
		fail(client, "pwned_form is empty: the tables were not made by "
			     "our flags-pgsql.sql");
	} else if (strcmp(sql_result_get_field_value(result, 0),
			  t_strdup_printf("%d", FORM)) != 0) {
		fail(client, "the tables are of another form than that of this "
			     "release");
	} else if (strcmp(sql_result_get_field_value(result, 1), "0") != 0) {
		fail(client, "the server cannot be written: it follows another "
			     "one (with several hosts: "
			     "target_session_attrs=read-write)");
	} else {
		client->down = FALSE;
		client->probe_msecs = PROBE_MSECS;
		*client->why.text = '\0';
		tell_status(client);
	}
}

static void begin(struct pwned_sql *client, struct pwned_sql_query *query,
		  enum pwned_sql_urgency urgency, unsigned int deadline_msecs,
		  pwned_sql_callback *callback, void *context)
{
	query->client = client;
	query->urgency = urgency;
	query->callback = callback;
	query->context = context;
	query->deadline = client->loop->v->timer_add(
		client->loop, deadline_msecs, query_is_late, query);
	query_wait(query, FALSE);
}

static void greet(struct pwned_sql *client)
{
	client->greets = TRUE;
	begin(client, pwned_sql_query_new(HELLO), PWNED_SQL_NOW, HELLO_MSECS,
	      on_hello, client);
}

static void probe(void *context)
{
	struct pwned_sql *client = context;

	client->probe_timer = NULL;
	/* let the driver say why, where it is time for a line */
	if (now_msecs(client) - client->told_msecs >= TELL_EVERY_MSECS)
		event_set_min_log_level(client->slots[0].db->event,
					LOG_TYPE_INFO);
	greet(client);
}

struct pwned_sql *pwned_sql_new(const struct pwned_sql_conf *conf,
				struct event *parent, struct pwned_loop *loop,
				unsigned int connections, bool hold_on,
				pwned_sql_status *status, void *context,
				struct pwned_error *error_r)
{
	struct pwned_sql *client = i_new(struct pwned_sql, 1);

	i_assert(connections <= CONNECTIONS_MAX);
	client->loop = loop;
	client->conf = conf;
	client->status = status;
	client->context = context;
	client->hold_on = hold_on;
	client->probe_msecs = PROBE_MSECS;
	client->compat = pwned_compat_sql_new(conf, parent);
	while (client->slots_count < connections) {
		struct connection_slot *slot =
			&client->slots[client->slots_count];

		slot->client = client;
		slot->db = pwned_compat_sql_connection(client->compat, error_r);
		if (slot->db == NULL) {
			pwned_sql_free(&client);
			return NULL;
		}
		slot->db->state_change_callback = on_state;
		slot->db->state_change_context = slot;
		client->slots_count++;
	}
	greet(client);
	return client;
}

void pwned_sql_free(struct pwned_sql **_client)
{
	struct pwned_sql *client = *_client;
	struct pwned_sql_query *query;

	*_client = NULL;
	if (client == NULL)
		return;
	client->ends = TRUE;
	client->down = TRUE;
	for (unsigned int i = 0; i < client->slots_count; i++)
		slot_reset(&client->slots[i]);
	for (unsigned int i = 0; i <= PWNED_SQL_SOON; i++) {
		while ((query = client->heads[i]) != NULL) {
			query_wait_no_more(query);
			query_end(query, FALSE, NULL);
		}
	}
	for (unsigned int i = 0; i < client->slots_count; i++)
		sql_unref(&client->slots[i].db);
	timer_remove(client, &client->work_timer);
	timer_remove(client, &client->probe_timer);
	pwned_compat_sql_free(&client->compat);
	i_free(client);
}

bool pwned_sql_is_down(const struct pwned_sql *client)
{
	return client->down;
}

const char *pwned_sql_why(const struct pwned_sql *client)
{
	return client->why.text;
}

struct pwned_sql_query *pwned_sql_query_new(const char *template)
{
	pool_t pool = pool_alloconly_create("pwned sql query", 1024);
	struct pwned_sql_query *query = p_new(pool, struct pwned_sql_query, 1);

	query->pool = pool;
	query->template = template;
	p_array_init(&query->values, pool, 20);
	return query;
}

void pwned_sql_query_text(struct pwned_sql_query *query, const char *text)
{
	struct query_value *value = array_append_space(&query->values);

	value->kind = VALUE_TEXT;
	value->text = p_strdup(query->pool, text);
}

void pwned_sql_query_number(struct pwned_sql_query *query, uint64_t number)
{
	struct query_value *value = array_append_space(&query->values);

	value->kind = VALUE_NUMBER;
	value->number = (int64_t)number;
}

bool pwned_sql_send(struct pwned_sql *client, struct pwned_sql_query *query,
		    enum pwned_sql_urgency urgency, unsigned int deadline_msecs,
		    pwned_sql_callback *callback, void *context)
{
	if (client->down) {
		query_free(query);
		return FALSE;
	}
	begin(client, query, urgency, deadline_msecs, callback, context);
	return TRUE;
}

void pwned_sql_query_forget(struct pwned_sql_query **query)
{
	(*query)->callback = NULL;
	*query = NULL;
}
