/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All settings. */

#include "pwned-settings.h"

#define MSECS(secs) ((secs)*UINT64_C(1000))
#define KIB(n)      ((n)*UINT64_C(1024))
#define MIB(n)      ((n)*UINT64_C(1024) * 1024)
#define GIB(n)      ((n)*UINT64_C(1024) * 1024 * 1024)

#define MEMBER(name) .offset = offsetof(struct pwned_settings, name)

/* clang-format off */
const struct pwned_setting pwned_settings_table[PWNED_SET_COUNT] = {
[PWNED_SET_SOURCE] = {
	.name = "pwned_source", .type = PWNED_TYPE_URLS, MEMBER(sources),
	.default_value = "https://api.pwnedpasswords.com/range/",
	.text = "Where ranges come from: one or more URLs, separated by "
		"spaces and tried in order within the same time. The five hex "
		"digits replace {prefix}; where that is absent they are "
		"appended.",
},
[PWNED_SET_SOURCE_CA_FILE] = {
	.name = "pwned_source_ca_file", .type = PWNED_TYPE_FILE,
	MEMBER(source_ca_file), .default_value = "",
	.text = "A file of PEM certificates to verify the sources with. "
		"Empty: the system's.",
},
[PWNED_SET_SOURCE_PROXY] = {
	.name = "pwned_source_proxy", .type = PWNED_TYPE_PROXY,
	MEMBER(source_proxy), .default_value = "",
	.text = "An HTTP or SOCKS proxy for all sources: http://, https://, "
		"socks5:// or socks5h://, host and port. Empty: none; "
		"variables of the environment are not looked at.",
},
[PWNED_SET_SOURCE_PROXY_AUTH_FILE] = {
	.name = "pwned_source_proxy_auth_file", .type = PWNED_TYPE_FILE,
	MEMBER(source_proxy_auth_file), .default_value = "",
	.text = "A file that holds user:password for the proxy in one line, "
		"because this one is for everybody to read. Auth reads it as "
		"root; users of dovecot-pwned-check need to be able to read it "
		"as well, for instance by its group.",
},
[PWNED_SET_SOURCE_PADDING] = {
	.name = "pwned_source_padding", .type = PWNED_TYPE_BOOL,
	MEMBER(source_padding), .default_value = "yes",
	.text = "Ask the sources to pad their answers, so that whoever sees "
		"an encrypted answer's size cannot tell the range by it.",
},
[PWNED_SET_WAIT] = {
	.name = "pwned_wait", .type = PWNED_TYPE_TIME, MEMBER(wait_msecs),
	.default_value = "1 s", .min = 0, .max = MSECS(8),
	.per_protocol = true,
	.login_only = true,
	.text = "How long a login waits for an answer that is not at hand, be "
		"it for a disk or a source. 0: not at all; the answer then "
		"counts for the next login, and what is on record of an "
		"account comes too late: nobody is refused by a suspension, "
		"and a grace does not end.",
},
[PWNED_SET_FETCH_TIMEOUT] = {
	.name = "pwned_fetch_timeout", .type = PWNED_TYPE_TIME,
	MEMBER(fetch_timeout_msecs), .default_value = "5 s",
	.min = 100, .max = MSECS(60),
	.text = "How long a fetch may take, over all sources. It goes on "
		"behind a login that waited long enough. Not less than "
		"pwned_wait.",
},
[PWNED_SET_POLICY] = {
	.name = "pwned_policy", .type = PWNED_TYPE_POLICY, MEMBER(policy),
	.default_value = "smtp=deny:min=1 submission=deny *=warn",
	.per_protocol = true,
	.text = "What a breached password means: rules service=action, "
		"separated by spaces. Actions are off, warn, deny, and hold: "
		"the login goes on, and the MTA refuses the account's mail. "
		":min=N lets a rule count only for passwords seen N times or "
		"more; :grace=14d lets deny and hold begin only so many days "
		"after the account was first warned. A service is what Dovecot "
		"or the MTA calls it: imap, pop3, sieve, submission; Postfix "
		"and Exim announce smtp. * is every service that no rule "
		"names. Of several rules for a service the first whose minimum "
		"is reached counts. An earlier passdb may return a field of "
		"this name, which then counts instead for that login.",
	.example = "smtp=deny:min=1:grace=14d submission=deny:grace=14d "
		   "*=warn",
},
[PWNED_SET_ON_UNKNOWN] = {
	.name = "pwned_on_unknown", .type = PWNED_TYPE_ON_UNKNOWN,
	MEMBER(on_unknown), .default_value = "allow",
	.per_protocol = true,
	.login_only = true,
	.text = "What to do when we asked and could not tell: allow, or "
		"tempfail, a temporary failure. Postfix makes of that a "
		"permanent 535, which looks like a wrong password; and Dovecot "
		"slows down an address after temporary failures as after "
		"wrong passwords.",
},
[PWNED_SET_DRY_RUN] = {
	.name = "pwned_dry_run", .type = PWNED_TYPE_BOOL, MEMBER(dry_run),
	.default_value = "no", .example = "yes",
	.per_protocol = true,
	.text = "Decide, log and count, but refuse, hold, warn and tell "
		"nobody.",
},
[PWNED_SET_BRAKE_SHARE] = {
	.name = "pwned_brake_share", .type = PWNED_TYPE_PERCENT,
	MEMBER(brake_share_percent), .default_value = "20 %",
	.min = 0, .max = 100,
	.login_only = true,
	.text = "The brake, for a source that lies or a mistake of ours: once "
		"at least 100 different users were verified within the last "
		"hour, and more than this share of them would newly be "
		"refused, further ones are only warned until the share falls. "
		"0: no brake.",
},
[PWNED_SET_URL] = {
	.name = "pwned_url", .type = PWNED_TYPE_LINK, MEMBER(url),
	.default_value = "", .example = "https://www.example.com/password",
	.per_protocol = true,
	.login_only = true,
	.text = "Where your customers choose a new password. It stands for "
		"{url} in the two texts below; empty: \"ask your mail "
		"provider\".",
},
[PWNED_SET_MESSAGE] = {
	.name = "pwned_message", .type = PWNED_TYPE_TEXT, MEMBER(message),
	.default_value = "",
	.per_protocol = true,
	.login_only = true,
	.text = "What a refused customer reads: one line of printable ASCII, "
		"at most 200 bytes with {url} expanded. Empty: \"Sending is "
		"blocked: this password appears in a known data breach. "
		"Choose a new one: {url}\", and \"Access is blocked: ...\" "
		"where the service is not smtp or submission.",
},
[PWNED_SET_WARNING] = {
	.name = "pwned_warning", .type = PWNED_TYPE_TEXT, MEMBER(warning),
	.default_value = "",
	.per_protocol = true,
	.login_only = true,
	.text = "What a warned customer reads, likewise. {date} is the day, "
		"in UTC, on which sending stops or stopped. Empty: \"Your mail "
		"password appears in a known data breach. Sending stops on "
		"{date}. Choose a new one: {url}\", and that without its "
		"second sentence where sending goes on or has stopped.",
},
[PWNED_SET_HOLD_MESSAGE] = {
	.name = "pwned_hold_message", .type = PWNED_TYPE_TEXT,
	MEMBER(hold_message), .default_value = "",
	.per_protocol = true,
	.login_only = true,
	.text = "With what the MTA refuses the mail of an account that is "
		"held, likewise. It should say to log in, because only that "
		"ends it. Empty: \"Sending is blocked: this password appears "
		"in a known data breach. Choose a new one, then log in with "
		"it: {url}\".",
},
[PWNED_SET_SUSPEND_MESSAGE] = {
	.name = "pwned_suspend_message", .type = PWNED_TYPE_TEXT,
	MEMBER(suspend_message), .default_value = "",
	.per_protocol = true,
	.login_only = true,
	.text = "What a customer reads whose account an operator has suspended "
		"(doveadm pwned suspend), likewise. Empty: \"Sending is "
		"suspended for this account. Ask your mail provider.\".",
},
[PWNED_SET_STORE] = {
	.name = "pwned_store", .type = PWNED_TYPE_DIR, MEMBER(store),
	.default_value = PWNED_STORE_PATH,
	.text = "The folder in which ranges that were fetched are kept, so "
		"that they are there after a restart and while no source "
		"answers. It belongs to auth's user and is not readable by "
		"others; make install makes it. Empty: ranges are kept in "
		"memory only.",
},
[PWNED_SET_STORE_GROUP] = {
	.name = "pwned_store_group", .type = PWNED_TYPE_GROUP,
	MEMBER(store_group), .default_value = "",
	.login_only = true,
	.text = "A group whose members may read the store, for instance that "
		"of a panel or a web server whose programs run "
		"dovecot-pwned-check. They need no write access, and the "
		"store says nothing about anybody's password. Empty: auth's "
		"user alone reads it.",
},
[PWNED_SET_STORE_MAX_AGE] = {
	.name = "pwned_store_max_age", .type = PWNED_TYPE_DAYS,
	MEMBER(store_max_age_days), .default_value = "7 days",
	.min = 1, .max = 365,
	.text = "How long a range counts as fresh. An older one still decides "
		"a login at once, but the source is asked behind it whether "
		"it has changed. Where a password is being chosen the source "
		"is asked first.",
},
[PWNED_SET_STORE_STALE] = {
	.name = "pwned_store_stale", .type = PWNED_TYPE_DAYS,
	MEMBER(store_stale_days), .default_value = "365 days",
	.min = 1, .max = 3650,
	.text = "How old a range may become and still decide, while no source "
		"answers. Not less than pwned_store_max_age.",
},
[PWNED_SET_STORE_MAX_SIZE] = {
	.name = "pwned_store_max_size", .type = PWNED_TYPE_SIZE,
	MEMBER(store_max_size), .default_value = "4 GB",
	.min = 0, .max = GIB(64),
	.login_only = true,
	.text = "How much disk the store may take: 1 GB, of 1024 MB, holds "
		"some 87,000 ranges, and 12 GB all there are. Old ones go "
		"first. The file looks larger than what it takes, 33 GB from "
		"the start, because it has holes. 0: no bound.",
},
[PWNED_SET_CACHE_SIZE] = {
	.name = "pwned_cache_size", .type = PWNED_TYPE_SIZE,
	MEMBER(cache_size), .default_value = "8 MB",
	.min = KIB(64), .max = MIB(64),
	.login_only = true,
	.text = "How much memory auth uses for what it read from the store "
		"last, where each password takes 4 KB. With no store on disk "
		"as much again holds whole ranges, some 80 in a megabyte. "
		"Dovecot gives auth 256 MB of address space in all "
		"(vsz_limit).",
},
[PWNED_SET_STATE_DIR] = {
	.name = "pwned_state_dir", .type = PWNED_TYPE_DIR, MEMBER(state_dir),
	.default_value = PWNED_STATE_PATH,
	.login_only = true,
	.text = "The folder in which auth keeps what must outlive it, because "
		"Dovecot ends an idle auth after a minute: which accounts are "
		"flagged (flags.db), counters, which sources are left alone, "
		"and whether the brake holds. It is private to auth's user; "
		"make install makes it. Empty: nothing is kept, and there is "
		"neither grace nor hold.",
},
[PWNED_SET_FLAGS] = {
	.name = "pwned_flags", .type = PWNED_TYPE_FLAGS, MEMBER(flags),
	.default_value = "sqlite",
	.login_only = true,
	.text = "Where the records of flagged accounts are: sqlite, flags.db "
		"in pwned_state_dir; or pgsql: and the path of a file that "
		"says how to connect to a PostgreSQL which several hosts share "
		"(doc/CLUSTER).",
},
[PWNED_SET_FLAG_EXPIRE] = {
	.name = "pwned_flag_expire", .type = PWNED_TYPE_DAYS,
	MEMBER(flag_expire_days), .default_value = "90 days",
	.min = 1, .max = 3650,
	.login_only = true,
	.text = "A flagged account that was not seen with a breached password "
		"for so long is cleared, and what is on record of a cleared "
		"one is removed after as long again.",
},
[PWNED_SET_CLEAR_AFTER] = {
	.name = "pwned_clear_after", .type = PWNED_TYPE_TIME,
	MEMBER(clear_after_msecs), .default_value = "24 h",
	.min = 0, .max = MSECS(30 * 86400),
	.login_only = true,
	.text = "A clean password clears a flag at once. Where a breached one "
		"came again after that, the account has several: then a clean "
		"one clears it only after so long without a breached one.",
},
[PWNED_SET_EXEMPT] = {
	.name = "pwned_exempt", .type = PWNED_TYPE_EXEMPT, MEMBER(exempt),
	.default_value = "", .example = "postmaster@example.com @example.net "
					"192.0.2.0/24 2001:db8::/32",
	.per_protocol = true,
	.login_only = true,
	.text = "Who is not checked: users, domains (with an @ before them) "
		"and networks of clients, separated by spaces.",
},
[PWNED_SET_HOLD] = {
	.name = "pwned_hold", .type = PWNED_TYPE_DIR, MEMBER(hold),
	.default_value = PWNED_HOLD_PATH,
	.login_only = true,
	.text = "The folder of hold.db, in which MTAs read whose mail they "
		"refuse, and with which text (doc/HOLD). Nothing else is in "
		"it; make install makes it. Empty: there is none. With "
		"pwned_flags = pgsql MTAs read a view there.",
},
[PWNED_SET_HOLD_GROUP] = {
	.name = "pwned_hold_group", .type = PWNED_TYPE_GROUP,
	MEMBER(hold_group), .default_value = "", .example = "postfix",
	.login_only = true,
	.text = "A group whose members may read hold.db: the MTA's. Empty: "
		"auth's user alone reads it.",
},
};
/* clang-format on */
