-- What:  virtual hosts, accounts with their SCRAM verifiers, names that may not be used again yet,
-- secrets of the server.
-- Why:   everything else belongs to an account or to a host.
-- Locks: none; the tables are new.
--
-- All times are µs since 1970 and come from the server's clock as parameters: no statement and no
-- default calls now(). Every primary key begins with the key by which the table would be spread
-- over machines (the account, the room). hosts, users and tombstones are small and would be copied
-- to each machine (a reference table). Keys of text compare by bytes (collate "C"): they are
-- prepared when they enter (RFC 7622), and an upgrade of the system's collations cannot damage
-- their indexes.

create table hosts (
	id int generated always as identity primary key,
	name text collate "C" not null unique
);

create table users (
	id bigint generated always as identity primary key,     -- never given out twice
	host int not null references hosts,
	localpart text collate "C" not null,
	created bigint not null,
	disabled boolean not null default false,
	-- written late and in batches; null: never logged in
	last_seen bigint,
	-- the text of the last unavailable presence (XEP-0012)
	last_status text,

	-- RFC 5802 verifiers, one set for each hash function; never a password.
	sha1_salt bytea, sha1_iterations int, sha1_stored_key bytea, sha1_server_key bytea,
	sha256_salt bytea, sha256_iterations int, sha256_stored_key bytea, sha256_server_key bytea,
	sha512_salt bytea, sha512_iterations int, sha512_stored_key bytea, sha512_server_key bytea,

	constraint users_name unique (host, localpart),
	constraint users_sha1
		check (num_nulls(sha1_salt, sha1_iterations, sha1_stored_key,
			sha1_server_key) in (0, 4)),
	constraint users_sha256
		check (num_nulls(sha256_salt, sha256_iterations, sha256_stored_key,
			sha256_server_key) in (0, 4)),
	constraint users_sha512
		check (num_nulls(sha512_salt, sha512_iterations, sha512_stored_key,
			sha512_server_key) in (0, 4))
);

-- A deleted account's name is not given to somebody else until its old contacts and rooms have
-- forgotten it.
create table tombstones (
	host int not null references hosts,
	localpart text collate "C" not null,
	until bigint not null,
	primary key (host, localpart)
);

-- Made on first use and kept: the key for the salts of users that do not exist, and the like. Base
-- of nothing that could be computed again.
create table server_secrets (
	name text collate "C" primary key,
	value bytea not null
);
