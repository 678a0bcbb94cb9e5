-- Statements of the archive. schema/0007-archive.sql explains the tables. Every reading statement
-- leaves out what has expired and waits for its month to go.

-- name: archive_add
-- args: i i t i i t t t t t
-- key: 1
-- mode: write
-- repeatable: yes
insert into archive (owner, at, tail, expires, sent, peer, resource, message_id, payload, extra)
values ($1, $2, $3, $4, $5 <> 0, $6, $7, $8, $9, $10)
on conflict (owner, at, expires) do nothing;

-- Comes back when everything of this owner that was sent to the database before is there.
-- name: archive_fence
-- args: i
-- key: 1
-- mode: write
-- repeatable: yes
select 1 where $1 > 0;

-- A page: $2 < at < $3, at most $5 rows and, after the first, $6 bytes. known says how many of the
-- ids that the asker named are there; without it there is no page. found: rows but for the bytes.
-- name: archive_page
-- args: i i i i i i I T
-- mode: read
select k.n, p.at, p.tail, p.payload, p.extra, p.found
from (select count(*) as n from unnest($7, $8) as i (at, tail)
	join archive a on a.owner = $1 and a.at = i.at and a.tail = i.tail and a.expires > $4) k
left join (select at, tail, payload, extra, found
	from (select q.*, count(*) over () as found,
			sum(octet_length(payload)) over (order by at) as upto
		from (select at, tail, payload, extra from archive
			where owner = $1 and at > $2 and at < $3 and expires > $4
			order by at limit $5) q) sized
	where upto <= $6 or upto = octet_length(payload)) p on true
order by p.at;

-- The same from the end.
-- name: archive_page_back
-- args: i i i i i i I T
-- mode: read
select k.n, p.at, p.tail, p.payload, p.extra, p.found
from (select count(*) as n from unnest($7, $8) as i (at, tail)
	join archive a on a.owner = $1 and a.at = i.at and a.tail = i.tail and a.expires > $4) k
left join (select at, tail, payload, extra, found
	from (select q.*, count(*) over () as found,
			sum(octet_length(payload)) over (order by at desc) as upto
		from (select at, tail, payload, extra from archive
			where owner = $1 and at > $2 and at < $3 and expires > $4
			order by at desc limit $5) q) sized
	where upto <= $6 or upto = octet_length(payload)) p on true
order by p.at;

-- Both with one other side: $9 its bare JID, $10 its resource, or null for all of them.
-- name: archive_page_with
-- args: i i i i i i I T t t
-- mode: read
select k.n, p.at, p.tail, p.payload, p.extra, p.found
from (select count(*) as n from unnest($7, $8) as i (at, tail)
	join archive a on a.owner = $1 and a.at = i.at and a.tail = i.tail and a.expires > $4) k
left join (select at, tail, payload, extra, found
	from (select q.*, count(*) over () as found,
			sum(octet_length(payload)) over (order by at) as upto
		from (select at, tail, payload, extra from archive
			where owner = $1 and peer = $9 and ($10::text is null or resource = $10)
				and at > $2 and at < $3 and expires > $4
			order by at limit $5) q) sized
	where upto <= $6 or upto = octet_length(payload)) p on true
order by p.at;

-- name: archive_page_with_back
-- args: i i i i i i I T t t
-- mode: read
select k.n, p.at, p.tail, p.payload, p.extra, p.found
from (select count(*) as n from unnest($7, $8) as i (at, tail)
	join archive a on a.owner = $1 and a.at = i.at and a.tail = i.tail and a.expires > $4) k
left join (select at, tail, payload, extra, found
	from (select q.*, count(*) over () as found,
			sum(octet_length(payload)) over (order by at desc) as upto
		from (select at, tail, payload, extra from archive
			where owner = $1 and peer = $9 and ($10::text is null or resource = $10)
				and at > $2 and at < $3 and expires > $4
			order by at desc limit $5) q) sized
	where upto <= $6 or upto = octet_length(payload)) p on true
order by p.at;

-- Single messages ($11, $12), from the beginning or, $13 < 0, from the end.
-- name: archive_page_ids
-- args: i i i i i i I T t t I T i
-- mode: read
select k.n, p.at, p.tail, p.payload, p.extra, p.found
from (select count(*) as n from unnest($7, $8) as i (at, tail)
	join archive a on a.owner = $1 and a.at = i.at and a.tail = i.tail and a.expires > $4) k
left join (select at, tail, payload, extra, found
	from (select q.*, count(*) over () as found,
			sum(octet_length(payload)) over (order by at * $13) as upto
		from (select a.at, a.tail, a.payload, a.extra
			from unnest($11, $12) as i (at, tail)
			join archive a on a.owner = $1 and a.at = i.at and a.tail = i.tail
			where ($9::text is null or a.peer = $9)
				and ($10::text is null or a.resource = $10)
				and a.at > $2 and a.at < $3 and a.expires > $4
			order by a.at * $13 limit $5) q) sized
	where upto <= $6 or upto = octet_length(payload)) p on true
order by p.at;

-- How many there are, up to $5: an archive of millions is not counted for everybody who asks.
-- name: archive_count
-- args: i i i i i I T t t
-- mode: read
select (select count(*) as n from unnest($6, $7) as i (at, tail)
		join archive a on a.owner = $1 and a.at = i.at and a.tail = i.tail
			and a.expires > $4),
	(select count(*) from (select from archive
		where owner = $1 and at > $2 and at < $3 and expires > $4
			and ($8::text is null or peer = $8) and ($9::text is null or resource = $9)
		limit $5) q);

-- What an account's home must know: its preferences, the first and the last of its archive.
-- name: archive_load
-- args: i i i
-- mode: read
select p.standard, p.always, p.never, f.at, f.tail, l.at, l.tail, h.at
from (values (1)) one
left join archive_prefs p on p.account = $1
left join archive_purges h on h.owner = $1
left join (select at, tail from archive where owner = $1 and at > $3 and expires > $2
		and at > coalesce((select at from archive_purges where owner = $1), 0)
	order by at limit 1) f on true
left join (select at, tail from archive where owner = $1 and at > $3 and expires > $2
		and at > coalesce((select at from archive_purges where owner = $1), 0)
	order by at desc limit 1) l on true;

-- name: archive_prefs_set
-- args: i t T T
-- key: 1
-- mode: write
-- repeatable: yes
insert into archive_prefs (account, standard, always, never) values ($1, $2, $3, $4)
on conflict (account) do update set standard = $2, always = $3, never = $4;

-- The message that a retraction names: of the newest $6 with that other side, sent by the same one.
-- In order with the writes, for it may have come just now.
-- name: archive_find
-- args: i t i t i i
-- key: 1
-- mode: write
-- repeatable: yes
select at, payload, resource from (select at, payload, resource, sent, message_id
	from archive where owner = $1 and peer = $2 and expires > $5
	order by at desc limit $6) newest
where sent = ($3 <> 0) and message_id = $4
order by at desc limit 1;

-- name: archive_replace
-- args: i i t
-- key: 1
-- mode: write
-- repeatable: yes
update archive set payload = $3 where owner = $1 and at = $2;

-- name: archive_make_months
-- args: i i
-- mode: atomic
-- repeatable: yes
select archive_make_months($1, $2);

-- name: archive_drop_month
-- args: i
-- mode: atomic
-- repeatable: yes
select archive_drop_month($1);

-- name: archive_purge
-- args: i i
-- key: 1
-- mode: write
-- repeatable: yes
insert into archive_purges (owner, at) values ($1, $2)
on conflict (owner) do update set at = greatest(archive_purges.at, $2)
returning at;

-- A bite of what is to be deleted. Two shards do not bite the same.
-- name: archive_bite
-- args: i
-- mode: atomic
-- repeatable: yes
with job as (select owner, at from archive_purges order by owner limit 1 for update skip locked),
bite as (select a.owner, a.at, a.expires from job j
	join archive a on a.owner = j.owner and a.at <= j.at order by a.at limit $1),
gone as (delete from archive a using bite b
	where a.owner = b.owner and a.at = b.at and a.expires = b.expires returning 1),
done as (delete from archive_purges p using job j
	where p.owner = j.owner and p.at = j.at and (select count(*) from bite) < $1 returning 1)
select (select count(*) from job), (select count(*) from gone);

-- Without the text of anything.
-- name: archive_list
-- args: i i i
-- mode: read
select at, tail, sent, peer, resource, octet_length(payload), expires from archive
where owner = $1 and expires > $2 order by at desc limit $3;

-- name: archive_size
-- args: i i
-- mode: read
select count(*), coalesce(sum(octet_length(payload)), 0)::bigint, coalesce(min(at), 0)
from archive where owner = $1 and expires > $2;
