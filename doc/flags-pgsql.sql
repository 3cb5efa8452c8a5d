-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- The records of accounts for several Dovecot hosts (doc/CLUSTER), in
-- PostgreSQL 12 or newer. As the owner of the database, once, or again:
--
--	psql --dbname=mail --file=flags-pgsql.sql
--
-- Then the two roles get what they log in with, for example
--
--	ALTER ROLE dovecot_pwned LOGIN PASSWORD '...';
--	ALTER ROLE dovecot_pwned_mta LOGIN PASSWORD '...';
--
-- dovecot_pwned is for the file that pwned_flags names; dovecot_pwned_mta, which
-- reads the view below and nothing else, for Postfix, Exim or another MTA.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;

-- The database's own encoding has to be UTF8: user names are.
DO $$
BEGIN
	IF current_setting('server_encoding') <> 'UTF8' THEN
		RAISE EXCEPTION 'this database is not of encoding UTF8';
	END IF;
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dovecot_pwned') THEN
		CREATE ROLE dovecot_pwned NOLOGIN;
	END IF;
	IF NOT EXISTS (SELECT FROM pg_roles
		       WHERE rolname = 'dovecot_pwned_mta') THEN
		CREATE ROLE dovecot_pwned_mta NOLOGIN;
	END IF;
END
$$;

-- The form of what stands here.
CREATE TABLE IF NOT EXISTS pwned_form (
	form integer NOT NULL PRIMARY KEY
);
INSERT INTO pwned_form (form)
	SELECT 1 WHERE NOT EXISTS (SELECT FROM pwned_form);

-- A row for each account of which something is on record. Times are unix time
-- in seconds, 0: never. Write into it by `doveadm pwned` only.
CREATE TABLE IF NOT EXISTS pwned_flag (
	username text COLLATE "C" NOT NULL PRIMARY KEY,
	domain text COLLATE "C" NOT NULL,
	version bigint NOT NULL,	-- another at each change
	state smallint NOT NULL,	-- 0 nothing, 1 flagged, 2 cleared
	since bigint NOT NULL,		-- the first breached login
	breached bigint NOT NULL,	-- the last that was written down
	cleared bigint NOT NULL,
	contested boolean NOT NULL,	-- breached again after a clearing
	decided bigint NOT NULL,	-- from when grace runs
	stop bigint NOT NULL,		-- when sending stops
	refused bigint NOT NULL,	-- the first refusal
	band smallint NOT NULL,		-- of the count: 1 to 4
	service text COLLATE "C" NOT NULL,
	suspended bigint NOT NULL,
	exempt_until bigint NOT NULL,
	hold_text text COLLATE "C" NOT NULL
);
CREATE INDEX IF NOT EXISTS pwned_flag_domain ON pwned_flag (domain, username);
CREATE INDEX IF NOT EXISTS pwned_flag_held ON pwned_flag (lower(username))
	WHERE hold_text <> '';

-- Whose mail MTAs refuse, and with what text. Users are written as Dovecot has
-- them, so MTAs compare without case; doc/example-config/pwned-hold-pgsql.cf has
-- the query for Postfix.
CREATE OR REPLACE VIEW pwned_hold (username, text) AS
	SELECT username, hold_text FROM pwned_flag WHERE hold_text <> '';

REVOKE ALL ON pwned_form, pwned_flag, pwned_hold FROM PUBLIC;
GRANT SELECT ON pwned_form TO dovecot_pwned;
GRANT SELECT, INSERT, UPDATE, DELETE ON pwned_flag TO dovecot_pwned;
GRANT SELECT ON pwned_hold TO dovecot_pwned_mta;

COMMIT;
