-- What:  the clients of an account: by which user agent (XEP-0388) it logs in, and the tokens that
-- log those in (XEP-0484).
-- Why:   a phone comes back in one round trip; its owner sees what has access, and takes it away
-- (XEP-0494).
-- Locks: on users, for the foreign key, for a moment (share row exclusive).
--
-- A client has at most two tokens: the one it uses, and one that it was given last and has not used
-- yet (XEP-0484 §5.1). They are kept as they are, since the mechanism needs the token itself: see
-- doc/decisions/0009-fast-tokens.md. Rows leave with the account; and at a login those that were
-- not seen for c2s.clients_forget, and the longest unseen beyond c2s.clients_max.

create table clients (
	account bigint not null references users on delete cascade,
	agent text collate "C" not null,
	-- the user agent's id, a UUID; nobody else may see it
	reference text collate "C" not null,                    -- by which its owner names it
	software text,
	device text,
	first_seen bigint not null,
	last_seen bigint not null,                              -- its last login
	password boolean not null,
	-- it has proved the account's present password
	token text collate "C", token_mechanism text collate "C", token_issued bigint,
		token_expires bigint,
	token_count bigint not null default -1,                 -- the last that was used
	next_token text collate "C", next_mechanism text collate "C", next_issued bigint,
		next_expires bigint,
	primary key (account, agent),
	constraint clients_token
		check (num_nulls(token, token_mechanism, token_issued, token_expires) in (0, 4)),
	constraint clients_next
		check (num_nulls(next_token, next_mechanism, next_issued, next_expires) in (0, 4))
);
