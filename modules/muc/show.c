/* SPDX-License-Identifier: MIT */
/*
 * show: occupants' presence as the room shows it (§7.2.2). Made once for all who see the same, and
 * kept for those who come: in one form without the real JID, and in one with it for those who may
 * know (§7.2.3, §7.2.4).
 */
#include "muc/muc.h"

static bool
knows_jids(const struct occupant *o)
{
	return o->room->config.anyone_knows_jids || o->role == ROLE_MODERATOR;
}

unsigned
show_class(const struct occupant *o)
{
	return knows_jids(o) ? FAN_KNOWS_JIDS : FAN_PLAIN;
}

static bool
is_shown(const struct occupant *o)
{
	return (o->room->config.shown_roles >> o->role & 1) != 0;
}

void
show_changed(struct occupant *o)
{
	sc_stanza_free(&o->shown[0]);
	sc_stanza_free(&o->shown[1]);
	for (struct seat *s = o->seats; s != NULL; s = s->next)
		if (s->newcomer == NULL)
			sc_fan_classify(o->room->fan, s->number, show_class(o));
}

/* --- making --- */

static void
add_status(struct sc_stanza *p, struct sc_elem *x, int code)
{
	struct sc_elem *status = sc_add(p, x, NULL, "status");

	sc_set_attr(p, status, "code", sc_format(sc_stanza_arena(p), "%d", code));
}

static void
add_item(struct sc_stanza *p, struct sc_elem *x, const struct occupant *o, const struct sc_jid *jid,
	const struct show *show)
{
	struct sc_elem *item = sc_add(p, x, NULL, "item"), *actor;
	bool gone = show->unavailable && show->new_nick == NULL;

	sc_set_attr(p, item, "affiliation", affiliation_name(room_affiliation(o->room, o->user)));
	sc_set_attr(p, item, "role", role_name(gone ? ROLE_NONE : o->role));
	sc_set_attr(p, item, "jid", jid != NULL ? jid->text : NULL);
	sc_set_attr(p, item, "nick", show->new_nick);
	if (show->actor != NULL) {
		actor = sc_add(p, item, NULL, "actor");
		sc_set_attr(p, actor, "nick", occupant_nick(show->actor).p);
		if (jid != NULL)
			sc_set_attr(p, actor, "jid", show->actor->user->text);
	}
	if (show->reason != NULL)
		sc_add_with_text(p, item, NULL, "reason", show->reason);
}

/* jid: NULL: not for this reader. */
static struct sc_stanza *
make(struct occupant *o, const struct sc_jid *jid, const struct show *show, bool self)
{
	struct sc_stanza *p = sc_stanza_new(SC_PRESENCE,
		show->unavailable ? SC_TYPE_UNAVAILABLE : SC_TYPE_AVAILABLE, o->jid, NULL,
		self && show->id != NULL ? show->id : o->said != NULL ? sc_id(o->said) : NULL);
	struct sc_elem *x;

	if (o->said != NULL)
		for (const struct sc_elem *e = sc_first(sc_root(o->said)); e != NULL;
		    e = sc_next(e))
			sc_add_copy(p, sc_stanza_root(p), e);
	x = sc_add(p, sc_stanza_root(p), NS_OCCUPANT_ID, "occupant-id");
	sc_set_attr(p, x, "id", o->id);
	x = sc_add(p, sc_stanza_root(p), NS_MUC_USER, "x");
	add_item(p, x, o, jid, show);
	for (int i = 0; i < show->n_codes; i++)
		add_status(p, x, show->codes[i]);
	for (int i = 0; self && i < show->n_self_codes; i++)
		add_status(p, x, show->self_codes[i]);
	if (self)
		add_status(p, x, 110);
	if (show->destroy != NULL)
		sc_add_copy(p, x, show->destroy);
	return p;
}

static struct sc_stanza *
make_sealed(struct occupant *o, const struct sc_jid *jid, const struct show *show, bool self)
{
	struct sc_stanza *p = make(o, jid, show, self);

	sc_seal(p);
	return p;
}

const struct sc_stanza *
show_to(struct occupant *o, bool with_jid)
{
	static const struct show plain;

	if (!is_shown(o))
		return NULL;
	if (o->shown[with_jid] == NULL)
		o->shown[with_jid] = make_sealed(o, with_jid ? o->seats->jid : NULL, &plain, false);
	return o->shown[with_jid];
}

/* --- sending --- */

void
show_send(struct room *r, const struct sc_stanza *sealed, unsigned classes, uint32_t except,
	int64_t mark)
{
	sc_fan_send(r->fan, sealed, (struct sc_fan_who){ classes, except }, mark);
	arrive_later(r, sealed, classes, except, mark);
}

static bool
is_plain(const struct show *show)
{
	return !show->unavailable && show->n_codes == 0 && show->reason == NULL &&
		show->actor == NULL;
}

static void
tell_class(struct occupant *o, const struct show *show, unsigned class, bool with_jid)
{
	struct sc_stanza *p;

	if (is_plain(show)) {
		show_send(o->room, show_to(o, with_jid), class, o->group, 0);
	} else {
		p = make_sealed(o, with_jid ? o->seats->jid : NULL, show, false);
		show_send(o->room, p, class, o->group, 0);
		sc_stanza_free(&p);
	}
	sc_count(muc_counters.presences, 1);
}

static void
tell_others(struct occupant *o, const struct show *show)
{
	if (!o->room->config.anyone_knows_jids)
		tell_class(o, show, FAN_PLAIN, false);
	tell_class(o, show, FAN_KNOWS_JIDS, true);
}

void
show_self(struct occupant *o, struct seat *s, const struct show *show)
{
	struct sc_stanza *p = make_sealed(o, s->jid, show, true);

	sc_fan_send_one(o->room->fan, s->number, p, 0);
	sc_stanza_free(&p);
}

/* Who has a role that is not shown is gone for the others, if they have seen him. */
static void
hide(struct occupant *o, const struct show *show)
{
	struct show gone = *show;

	if (!o->seen)
		return;
	o->seen = false;
	gone.unavailable = true;
	tell_others(o, &gone);
}

void
show_occupant(struct occupant *o, const struct show *show)
{
	if (show->unavailable && o->seen) {
		tell_others(o, show);
		o->seen = show->new_nick != NULL;
	} else if (!show->unavailable && is_shown(o)) {
		tell_others(o, show);
		o->seen = true;
	} else if (!show->unavailable) {
		hide(o, show);
	}
	for (struct seat *s = o->seats; s != NULL; s = s->next)
		if (s != show->not_to && (s->newcomer == NULL || show->unavailable))
			show_self(o, s, show);
}
