-- roster: contacts, removals and requests of one account. Bits of a contact are those of
-- roster_book.h.

-- Everything that the account's home keeps in memory. Groups are separated by a character that XML
-- cannot hold.
-- name: roster_load
-- args: i
-- mode: read
select contact, coalesce(name, ''), array_to_string(groups, chr(31)), version, 0::bigint
	as received,
	case subscription when 'none' then 0 when 'to' then 1 when 'from' then 2 else 3 end
	+ case when ask then 4 else 0 end + case when approved then 8 else 0 end + 32
from roster_items where owner = $1
union all
select contact, '', '', version, 0, 64 from roster_removals where owner = $1
union all
select contact, '', '', 0, received, 16 from roster_requests where owner = $1
order by 1;

-- What the user says of a contact: name and groups.
-- name: roster_item
-- args: i t t T i
-- key: 1
-- mode: write
-- repeatable: yes
with back as (delete from roster_removals where owner = $1 and contact = $2)
insert into roster_items (owner, contact, name, groups, version) values ($1, $2, $3, $4, $5)
on conflict (owner, contact) do update set name = excluded.name, groups = excluded.groups,
	version = excluded.version;

-- What the two agreed. $7: a request of the contact is answered by it.
-- name: roster_state
-- args: i t t i i i i
-- key: 1
-- mode: write
-- repeatable: yes
with back as (delete from roster_removals where owner = $1 and contact = $2),
answered as (delete from roster_requests where owner = $1 and contact = $2 and $7 <> 0)
insert into roster_items (owner, contact, subscription, ask, approved, version)
values ($1, $2, $3, $4 <> 0, $5 <> 0, $6)
on conflict (owner, contact) do update set subscription = excluded.subscription, ask = excluded.ask,
	approved = excluded.approved, version = excluded.version;

-- name: roster_remove
-- args: i t i
-- key: 1
-- mode: write
-- repeatable: yes
with item as (delete from roster_items where owner = $1 and contact = $2),
answered as (delete from roster_requests where owner = $1 and contact = $2)
insert into roster_removals (owner, contact, version) values ($1, $2, $3)
on conflict (owner, contact) do update set version = excluded.version;

-- Removals up to a version are forgotten; the row with the empty contact remembers up to which.
-- name: roster_forget
-- args: i i
-- key: 1
-- mode: write
-- repeatable: yes
with old as (delete from roster_removals where owner = $1 and contact <> '' and version <= $2)
insert into roster_removals (owner, contact, version) values ($1, '', $2)
on conflict (owner, contact) do update
	set version = greatest(roster_removals.version, excluded.version);

-- Somebody asks to subscribe.
-- name: roster_request
-- args: i t t i
-- key: 1
-- mode: write
-- repeatable: yes
insert into roster_requests (owner, contact, stanza, received) values ($1, $2, $3, $4)
on conflict (owner, contact) do update set stanza = excluded.stanza, received = excluded.received;

-- name: roster_answer
-- args: i t
-- key: 1
-- mode: write
-- repeatable: yes
delete from roster_requests where owner = $1 and contact = $2;

-- name: roster_requests_until
-- args: i i
-- mode: read
select contact, stanza, received from roster_requests where owner = $1 and received <= $2
	order by received, contact;

-- The next contacts who must hear that the account is gone: do we unsubscribe from them, they from
-- us?
-- name: roster_farewell
-- args: i t i
-- mode: read
select contact, bool_or(we), bool_or(they) from (
	select contact, ask or subscription in ('to', 'both') as we,
		subscription in ('from', 'both') as they
	from roster_items where owner = $1 and contact > $2
	union all
	select contact, false, true from roster_requests where owner = $1 and contact > $2
) as parting
group by contact order by contact limit $3;

-- name: roster_purge
-- args: i
-- key: 1
-- mode: write
-- repeatable: yes
with items as (delete from roster_items where owner = $1), removals as (delete from roster_removals
	where owner = $1)
delete from roster_requests where owner = $1;
