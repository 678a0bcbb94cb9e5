-- What:  the message archive (XEP-0313) of accounts and rooms, and what accounts want of it
--        (XEP-0441).
-- Why:   a client reads what its other devices have sent and received; a room's log is its
--        archive.
-- Locks: on users, for the trigger and the foreign key, for a moment (share row exclusive).
--
-- owner: users.id of an account; of a room groups.id with a minus, so that the key by which the
-- table would be spread over machines is one. at: the owner's own clock in µs (never twice,
-- never backwards), which is the order of the archive and, with tail, the id that clients see:
-- 13 hexadecimal digits of `at`, then `tail`, which cannot be guessed.
--
-- Rows leave by the month: `expires` is when a row may go (the greatest bigint: never), and the
-- table is divided by it. Whatever the retention of a host or a room, what has expired is
-- dropped with its month and never deleted singly; no statement gives out what has expired but
-- is still there. A row is immutable but for a retraction, which replaces the payload by a
-- tombstone (XEP-0424).
--
-- No foreign key to users, as for the spool: numeric ids are never given out twice, and what
-- belongs to a deleted account goes bite by bite (archive_purges).

create table archive (
	owner bigint not null,
	at bigint not null,
	tail text collate "C" not null,
	expires bigint not null,
	sent boolean not null, -- by the owner
	peer text collate "C" not null, -- bare JID of the other side; in a room: of the author
	resource text collate "C" not null, -- of the other side, may be empty; in a room: the nick
	message_id text collate "C", -- which the sender has given
	payload text not null, -- the message as we would write it
	extra text, -- rooms: who the author is, for those who may know (XEP-0313 §6.1.2)
	primary key (owner, at, expires)
) partition by range (expires);

create index archive_peer on archive (owner, peer, at);

create table archive_forever partition of archive
	for values from (9223372036854775807) to (maxvalue);

-- Makes the months in which rows that expire from `first` to `last` (µs) will leave. Attaching
-- waits for nobody who reads or writes. Several may call it at once.
create function archive_make_months(first bigint, last bigint) returns void language plpgsql as $$
declare
	month timestamp := date_trunc('month', to_timestamp(first / 1000000) at time zone 'UTC');
	name text;
begin
	perform pg_advisory_xact_lock(4242001);
	while month <= to_timestamp(last / 1000000) at time zone 'UTC' loop
		name := 'archive_' || to_char(month, 'YYYY_MM');
		if to_regclass(name) is null then
			execute format('create table %I (like archive including defaults '
				'including constraints)', name);
			execute format('alter table archive attach partition %I '
				'for values from (%s) to (%s)', name,
				extract(epoch from month)::bigint * 1000000,
				extract(epoch from month + interval '1 month')::bigint * 1000000);
		end if;
		month := month + interval '1 month';
	end loop;
end $$;

-- Drops the oldest month if all of it has expired; returns its name, or null when there is
-- none, or somebody is reading just now: then the caller comes again later, so that nobody ever
-- waits behind this.
create function archive_drop_month(at_time bigint) returns text language plpgsql as $$
declare
	name text;
begin
	select c.relname into name from pg_inherits i join pg_class c on c.oid = i.inhrelid
	where i.inhparent = 'archive'::regclass and c.relname ~ '^archive_\d{4}_\d{2}$' and
		c.relname < 'archive_' ||
			to_char(to_timestamp(at_time / 1000000) at time zone 'UTC', 'YYYY_MM')
	order by c.relname limit 1;
	if name is null then
		return null;
	end if;
	perform set_config('lock_timeout', '50ms', true);
	execute format('drop table if exists %I', name);
	return name;
exception when lock_not_available then
	return null;
end $$;

-- What is to be deleted of an archive though it has not expired: up to `at`, because the
-- account is gone, or its administrator wants so. Done in bites, and the row goes when it is
-- done.
create table archive_purges (
	owner bigint primary key,
	at bigint not null
);

create function archive_purge_user() returns trigger language plpgsql as $$
begin
	insert into archive_purges (owner, at) values (old.id, 9223372036854775807)
	on conflict (owner) do update set at = excluded.at;
	return null;
end $$;

create trigger users_archive after delete on users
	for each row execute function archive_purge_user();

create table archive_prefs (
	account bigint primary key references users on delete cascade,
	standard text not null check (standard in ('always', 'roster', 'never')),
	always text[] collate "C" not null, -- JIDs, bare or full
	never text[] collate "C" not null
);
