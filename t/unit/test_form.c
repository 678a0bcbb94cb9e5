/* SPDX-License-Identifier: MIT */
/* form: data forms read, taken into a struct, and written (XEP-0004, XEP-0068, XEP-0122). */
#include "config.h"

#include <stdlib.h>

#include "base/arena.h"
#include "tap.h"
#include "xml/xml.h"
#include <stonechat/form.h>

struct settings {
	bool open;
	int64_t places, since;
	const char *title, *about, *secret;
	const char *const *tags;
	int who;
	unsigned heard;
	const struct sc_jid *owner;
	const struct sc_jid *const *admins;
	int own;
};

static const struct sc_option who[] = { { "anyone", "Anybody" }, { "moderators", "Moderators" },
	{ NULL, NULL } };
static const struct sc_option heard[] = { { "moderator", NULL }, { "participant", NULL },
	{ "visitor", NULL }, { NULL, NULL } };

static const char *const *
get_own(struct sc_arena *arena, const void *values)
{
	const char **list = sc_alloc(arena, 2 * sizeof(*list));
	int own = ((const struct settings *)values)->own;

	list[0] = own == 0 ? "none" : sc_format(arena, "%d", own);
	return list;
}

static bool
set_own(struct sc_arena *arena, void *values, const char *const *texts)
{
	uint64_t n = 0;

	(void)arena;
	if (texts[0] == NULL || (strcmp(texts[0], "none") != 0 && !sc_read_number(texts[0], 9, &n)))
		return false;
	((struct settings *)values)->own = (int)n;
	return true;
}

static bool
is_open(const void *values)
{
	return ((const struct settings *)values)->open;
}

static const struct sc_field fields[] = {
	SC_FIELD_FIXED("Who may come"),
	SC_FIELD_BOOL(struct settings, open, "x#open", "Open"),
	SC_FIELD_NUMBER(struct settings, places, "x#places", "Places", -5, 100),
	SC_FIELD_TIME(struct settings, since, "x#since", "Since"),
	SC_FIELD_TEXT(struct settings, title, "x#title", "Title", 10),
	SC_FIELD_LINES(struct settings, about, "x#about", "About", 20),
	SC_FIELD_SECRET(struct settings, secret, "x#secret", "Secret", 20, .when = is_open),
	SC_FIELD_TEXTS(struct settings, tags, "x#tags", "Tags", 3),
	SC_FIELD_CHOICE(struct settings, who, "x#who", "Who", who),
	SC_FIELD_CHOICES(struct settings, heard, "x#heard", "Heard", heard),
	SC_FIELD_JID(struct settings, owner, "x#owner", "Owner"),
	SC_FIELD_JIDS(struct settings, admins, "x#admins", "Admins", 3),
	SC_FIELD_OWN(TEXT_SINGLE, "x#own", "Own", get_own, set_own),
	SC_FIELD_END
};
static const struct sc_form_plan plan = SC_FORM_PLAN(.form_type = "urn:x", .title = "Settings",
	.instructions = "Fill in.",
	.fields = fields);
static const struct sc_form_plan strict = SC_FORM_PLAN(.form_type = "urn:x", .fields = fields,
	.strict = true);

static const struct sc_field needed[] = {
	SC_FIELD_TEXT(struct settings, title, "x#title", "Title", 10, .required = true),
	SC_FIELD_END
};
static const struct sc_form_plan needs = SC_FORM_PLAN(.form_type = "urn:x", .fields = needed);

static struct sc_arena *a;

static const struct settings before = { .open = true, .places = 7, .title = "old", .who = 1,
	.heard = 5 };

/* Results lend from the trees that they were read from. */
static struct sc_stanza *trees[256];
static size_t n_trees;

static const struct sc_elem *
tree(const char *inside)
{
	char *text = sc_format(a, "<iq xmlns='jabber:client'><query xmlns='q'>%s</query></iq>",
		inside);
	struct sc_stanza *s = sc_stanza_read(text, strlen(text));

	if (s == NULL || n_trees == N_ELEMENTS(trees)) {
		printf("Bail out! cannot read %s\n", text);
		exit(1);
	}
	trees[n_trees++] = s;
	return sc_first(sc_root(s));
}

/* Submits these fields to a plan; the problem's text, or NULL. */
static const char *
submit(const struct sc_form_plan *p, const char *inside, struct settings *into, enum sc_cond *cond)
{
	struct sc_form_problem problem = { 0 };
	char *form = sc_format(a, "<x xmlns='jabber:x:data' type='submit'>%s</x>", inside);

	switch (sc_form_get(a, tree(form), p, into, &problem, NULL)) {
	case SC_FORM_SUBMITTED:
		return NULL;
	case SC_FORM_CANCELLED:
		return "cancelled";
	case SC_FORM_WRONG:
		break;
	}
	if (cond != NULL)
		*cond = problem.cond;
	return problem.text;
}

#define TYPE "<field var='FORM_TYPE'><value>urn:x</value></field>"
#define F(var, values) TYPE "<field var='" var "'>" values "</field>"
#define V(text) "<value>" text "</value>"

static void
booleans(void)
{
	static const struct { const char *in; bool good, want; } cases[] = {
		{ F("x#open", V("1")), true, true }, { F("x#open", V("true")), true, true },
		{ F("x#open", V("0")), true, false }, { F("x#open", V("false")), true, false },
		{ F("x#open", V("yes")), false, true }, { F("x#open", V("")), false, true },
		{ F("x#open", ""), false, true }, { F("x#open", V("1") V("0")), false, true },
		{ F("x#open", V("TRUE")), false, true },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct settings s = before;

		ok((submit(&plan, cases[i].in, &s, NULL) == NULL) == cases[i].good,
			"boolean is read or not: %s", cases[i].in);
		ok(s.open == cases[i].want, "and its value");
	}
}

static void
numbers(void)
{
	static const struct { const char *in; int64_t want; } cases[] = {
		{ F("x#places", V("42")), 42 }, { F("x#places", V("100")), 100 },
			{ F("x#places", V("-5")), -5 },
		{ F("x#places", V("+5")), 5 },
		{ F("x#places", V("101")), 7 }, { F("x#places", V("-6")), 7 },
			{ F("x#places", V("")), 7 },
		{ F("x#places", V("4 2")), 7 }, { F("x#places", V("--4")), 7 },
			{ F("x#places", ""), 7 },
		{ F("x#places", V("99999999999999999999")), 7 },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct settings s = before;
		const char *said = submit(&plan, cases[i].in, &s, NULL);

		is_int(s.places, cases[i].want, "number: %s", cases[i].in);
		ok((said == NULL) == (cases[i].want != 7), "and the answer");
	}
}

static void
times(void)
{
	struct settings s = before;

	is_text(submit(&plan, F("x#since", V("1970-01-01T00:00:02Z")), &s, NULL), NULL, "a time");
	is_int(s.since, 2000000, "is read");
	ok(submit(&plan, F("x#since", V("yesterday")), &s, NULL) != NULL, "and yesterday is none");
}

static void
texts(void)
{
	struct settings s = before;

	is_text(submit(&plan, F("x#title", V("0123456789")), &s, NULL), NULL,
		"a text of the longest size");
	is_text(s.title, "0123456789", "is taken");
	ok(submit(&plan, F("x#title", V("0123456789a")), &s, NULL) != NULL, "one byte more is not");
	ok(submit(&plan, F("x#title", V("a\nb")), &s, NULL) != NULL, "nor a second line");
	ok(submit(&plan, F("x#title", V("a") V("b")), &s, NULL) != NULL, "nor two values");
	is_text(s.title, "0123456789", "and the old one stays");
	is_text(submit(&plan, F("x#title", ""), &s, NULL), NULL, "a field without value");
	is_text(s.title, "", "empties it");
	is_text(submit(&plan, F("x#about", V("one") V("") V("two")), &s, NULL), NULL, "lines");
	is_text(s.about, "one\n\ntwo", "become one text");
	ok(submit(&plan, F("x#about", V("0123456789") V("0123456789")), &s, NULL) != NULL,
		"whose length has a limit too");
	is_text(submit(&plan, F("x#about", V("0123456789") V("123456789")), &s, NULL), NULL,
		"line ends included");
	is_text(submit(&plan, F("x#tags", V("a") V("b") V("a")), &s, NULL), NULL,
		"a list without options");
	ok(s.tags[0][0] == 'a' && s.tags[2][0] == 'a' && s.tags[3] == NULL, "takes any value");
	ok(submit(&plan, F("x#tags", V("a") V("b") V("c") V("d")), &s, NULL) != NULL,
		"but not too many");
	s.open = false;
	is_text(submit(&plan, F("x#secret", V("s")), &s, NULL), NULL,
		"a field that does not exist now");
	is_text(s.secret, NULL, "is ignored");
	is_text(submit(&plan, F("x#own", V("3")), &s, NULL), NULL,
		"a field with its own functions");
	is_int(s.own, 3, "is set by them");
	ok(submit(&plan, F("x#own", V("10")), &s, NULL) != NULL, "or refused");
	is_text(submit(&plan, F("x#own", V("none")), &s, NULL), NULL, "another of its values");
	is_int(s.own, 0, "is set");
}

static void
lists(void)
{
	struct settings s = before;

	is_text(submit(&plan, F("x#who", V("anyone")), &s, NULL), NULL, "one of the options");
	is_int(s.who, 0, "is taken by its place");
	is_text(submit(&plan, F("x#who", V("nobody")), &s, NULL),
		"This value is not possible: Who.", "another is refused");
	ok(submit(&plan, F("x#who", ""), &s, NULL) != NULL, "none is refused");
	ok(submit(&plan, F("x#who", V("anyone") V("moderators")), &s, NULL) != NULL,
		"two are refused");
	is_text(submit(&plan, F("x#heard", V("visitor") V("participant") V("visitor")), &s, NULL),
		NULL, "several options");
	is_int(s.heard, 6, "become bits");
	ok(submit(&plan, F("x#heard", V("visitor") V("king")), &s, NULL) != NULL,
		"unless one is unknown");
	is_int(s.heard, 6, "which changes nothing");
	is_text(submit(&plan, F("x#heard", ""), &s, NULL), NULL, "no option at all");
	is_int(s.heard, 0, "empties the list");
}

static void
jids(void)
{
	struct settings s = before;

	is_text(submit(&plan, F("x#owner", V("Romeo@Example.ORG")), &s, NULL), NULL, "a JID");
	is_text(s.owner->text, "romeo@example.org", "is prepared");
	ok(submit(&plan, F("x#owner", V("@")), &s, NULL) != NULL, "what is none is refused");
	is_text(submit(&plan, F("x#owner", V("")), &s, NULL), NULL, "an emptied box");
	ok(s.owner == NULL, "takes it away");
	ok(submit(&plan, F("x#admins", V("a@b") V("A@B") V("") V("c@d")), &s, NULL) != NULL,
		"four values are too many");
	is_text(submit(&plan, F("x#admins", V("a@b") V("A@B") V("c@d")), &s, NULL), NULL,
		"several JIDs");
	ok(s.admins[1] != NULL && s.admins[2] == NULL, "whose repeats are ignored");
	is_text(s.admins[1]->text, "c@d", "the other is there");
	ok(submit(&plan, F("x#admins", V("a@b") V("@")), &s, NULL) != NULL,
		"one wrong one spoils all");
}

static void
shapes(void)
{
	static const struct {
		const char *in;
		enum sc_form_got want;
		enum sc_cond cond;
	} cases[] = {
		{ "", SC_FORM_WRONG, SC_COND_BAD_REQUEST },
		{ "<x xmlns='other' type='submit'/>", SC_FORM_WRONG, SC_COND_BAD_REQUEST },
		{ "<x xmlns='jabber:x:data'/>", SC_FORM_WRONG, SC_COND_BAD_REQUEST },
		{ "<x xmlns='jabber:x:data' type='give'/>", SC_FORM_WRONG, SC_COND_BAD_REQUEST },
		{ "<x xmlns='jabber:x:data' type='form'/>", SC_FORM_WRONG, SC_COND_BAD_REQUEST },
		{ "<x xmlns='jabber:x:data' type='result'/>", SC_FORM_WRONG, SC_COND_BAD_REQUEST },
		{ "<x xmlns='jabber:x:data' type='cancel'/>", SC_FORM_CANCELLED, 0 },
		{ "<x xmlns='jabber:x:data' type='submit'/>", SC_FORM_SUBMITTED, 0 },
		{ "<x xmlns='jabber:x:data' type='submit'><field><value/></field></x>",
			SC_FORM_WRONG, SC_COND_BAD_REQUEST },
		{ "<x xmlns='jabber:x:data' type='submit'><field type='fixed'><value/></field></x>",
			SC_FORM_SUBMITTED, 0 },
		{ "<x xmlns='jabber:x:data' type='submit'><field var='a'/></x>", SC_FORM_WRONG,
			SC_COND_BAD_REQUEST },
		{ "<x xmlns='jabber:x:data' type='submit'>" TYPE "<field var='a'/></x>",
			SC_FORM_SUBMITTED, 0 },
		{ "<x xmlns='jabber:x:data' type='submit'>" TYPE TYPE "</x>", SC_FORM_WRONG,
			SC_COND_BAD_REQUEST },
		{ "<x xmlns='jabber:x:data' type='submit'>" TYPE
			"<field var='a'/><field var='a'/></x>", SC_FORM_WRONG,
			SC_COND_BAD_REQUEST },
		{ "<x xmlns='jabber:x:data' type='submit'>"
			"<field var='FORM_TYPE'><value>urn:y</value></field></x>", SC_FORM_WRONG,
			SC_COND_BAD_REQUEST },
		{ "<x xmlns='jabber:x:data' type='submit'><field xmlns='y' var='a'/></x>",
			SC_FORM_SUBMITTED, 0 },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct settings s = before;
		struct sc_form_problem problem = { 0 };

		is_int(sc_form_get(a, tree(cases[i].in), &plan, &s, &problem, NULL), cases[i].want,
			"shape: %s", cases[i].in);
		is_int(problem.cond, cases[i].cond, "its condition");
		ok(memcmp(&s, &before, sizeof(s)) == 0, "nothing is changed");
	}
}

static char *
many(const char *piece, int n)
{
	size_t size = strlen(piece);
	char *all = sc_alloc(a, size * (size_t)n + 1);

	for (int i = 0; i < n; i++)
		memcpy(all + size * (size_t)i, piece, size);
	return all;
}

static void
limits(void)
{
	struct settings s = before;
	enum sc_cond cond = SC_COND_UNDEFINED;

	is_text(submit(&plan, sc_format(a, TYPE "<field var='x'>%s</field>",
		many("<value/>", SC_FORM_VALUES_MAX - 1)), &s, &cond),
		NULL, "as many values as are allowed");
	ok(submit(&plan, sc_format(a, TYPE "<field var='x'>%s</field>",
		many("<value/>", SC_FORM_VALUES_MAX)), &s, &cond) != NULL,
		"one more");
	is_int(cond, SC_COND_POLICY_VIOLATION, "violates the policy");
	cond = SC_COND_UNDEFINED;
	ok(submit(&plan, many("<field/>", SC_FORM_FIELDS_MAX + 1), &s, &cond) != NULL,
		"too many fields");
	is_int(cond, SC_COND_POLICY_VIOLATION, "do too");
	cond = SC_COND_UNDEFINED;
	ok(submit(&strict, F("x#unknown", V("")), &s, &cond) != NULL,
		"a strict plan wants to know all fields");
	is_int(cond, SC_COND_FEATURE_NOT_IMPLEMENTED, "feature-not-implemented");
	is_text(submit(&strict, F("x#who", V("anyone")), &s, &cond), NULL,
		"those that it knows are fine");
	is_text(submit(&needs, TYPE, &s, &cond), "This must be given: Title.",
		"what is required must be there");
	is_int(cond, SC_COND_NOT_ACCEPTABLE, "not-acceptable");
	ok(submit(&needs, F("x#title", V("")), &s, &cond) != NULL, "and not be empty");
	is_text(submit(&needs, F("x#title", V("a")), &s, &cond), NULL, "then it is taken");
	is_text(s.title, "a", "as it is");
}

static void
raw(void)
{
	struct sc_form_problem problem;
	const struct sc_form *form = sc_form_read(a,
		sc_first(tree("<x xmlns='jabber:x:data' type='submit'>" TYPE
		"<field var='one'/><field var='two'><value>1</value><value>2</value></field></x>")),
			&problem);

	is_int(sc_form_kind(form), SC_FORM_SUBMIT, "a form's type");
	is_text(sc_form_type(form), "urn:x", "its FORM_TYPE");
	is_int(sc_form_fields(form), 2, "its fields");
	is_text(sc_form_var(form, 1), "two", "by number");
	ok(sc_form_has(form, "one") && !sc_form_has(form, "three"), "by name");
	is_text(sc_form_value(form, "one"), NULL, "one without value");
	is_text(sc_form_value(form, "two"), "1", "the first value");
	is_text(sc_form_values(form, "two")[1], "2", "all values");
	ok(sc_form_values(form, "three") == NULL, "none of a field that is not there");
}

static const char *
written(enum sc_form_type type, const struct sc_form_plan *p, const struct settings *s)
{
	struct sc_stanza *to = sc_stanza_new(SC_IQ, SC_TYPE_RESULT, NULL, NULL, NULL);
	char *text;

	sc_form_put(to, sc_stanza_root(to), type, p, s);
	text = sc_stanza_text(a, to, NULL);
	sc_stanza_free(&to);
	return text;
}

static void
has(const char *text, const char *piece)
{
	if (!ok(strstr(text, piece) != NULL, "written: %s", piece))
		printf("# in %s\n", text);
}

static void
asks(void)
{
	static const char *const pieces[] = {
		"<x xmlns='jabber:x:data' type='form'><title>Settings</title>"
			"<instructions>Fill in.</instructions>"
			"<field type='hidden' var='FORM_TYPE'><value>urn:x</value></field>",
		"<field type='fixed'><value>Who may come</value></field>",
		"<field type='boolean' var='x#open' label='Open'><value>1</value></field>",
		"<validate xmlns='http://jabber.org/protocol/xdata-validate' "
			"datatype='xs:integer'><range min='-5' max='100'/></validate>"
			"<value>7</value>",
		"datatype='xs:dateTime'/><value>1970-01-01T00:00:00Z</value>",
		"<field type='text-private' var='x#secret' label='Secret'/>",
		"<field type='list-multi' var='x#tags' label='Tags'><validate "
			"xmlns='http://jabber.org/protocol/xdata-validate' "
			"datatype='xs:string'><open/></validate></field>",
		"<field type='list-single' var='x#who' label='Who'>"
			"<value>moderators</value>"
			"<option label='Anybody'><value>anyone</value></option>",
		"<field type='list-multi' var='x#heard' label='Heard'>"
			"<value>moderator</value><value>visitor</value><option>",
		"<field type='text-single' var='x#own' label='Own'><value>none</value></field>",
		"<field type='text-multi' var='x#about' label='About'>"
			"<value>a</value><value/><value>b</value></field>",
	};
	struct settings s = before;
	const char *text;

	s.about = "a\n\nb";
	text = written(SC_FORM_FORM, &plan, &s);
	for (size_t i = 0; i < N_ELEMENTS(pieces); i++)
		has(text, pieces[i]);
	has(written(SC_FORM_FORM, &needs, &s), "<required/><value>old</value>");
	s.open = false;
	ok(strstr(written(SC_FORM_FORM, &plan, &s), "x#secret") == NULL,
		"a field that does not exist now is not asked");
	text = written(SC_FORM_RESULT, &plan, &s);
	ok(strstr(text, "option") == NULL && strstr(text, "validate") == NULL
		&& strstr(text, "fixed") == NULL,
		"a result has no questions");
	has(text, "label='Who'");
	ok(strstr(written(SC_FORM_SUBMIT, &plan, &s), "label") == NULL,
		"a submission has only names and values");
}

/* What is submitted with everything that it shows is what it was. */
static void
round_trip(void)
{
	static const char *const tags[] = { "<&>", "'\"", NULL };
	struct settings s = before, back = { .open = true };
	struct sc_form_problem problem;
	const struct sc_jid *admins[] = { sc_jid(a, "a@b"), sc_jid(a, "c@d/e"), NULL };
	struct sc_stanza *to = sc_stanza_new(SC_IQ, SC_TYPE_SET, NULL, NULL, NULL);

	s.tags = tags;
	s.admins = admins;
	s.owner = admins[0];
	s.about = "x\ny";
	s.secret = "";
	s.since = 1700000000123456;
	sc_form_put(to, sc_stanza_root(to), SC_FORM_SUBMIT, &plan, &s);
	is_int(sc_form_get(a, sc_root(to), &plan, &back, &problem, NULL), SC_FORM_SUBMITTED,
		"what we write we read");
	ok(back.places == 7 && back.who == 1 && back.heard == 5 && back.since == s.since,
		"numbers");
	is_text(back.tags[1], "'\"", "lists");
	is_text(back.about, "x\ny", "lines");
	is_text(back.admins[1]->text, "c@d/e", "JIDs");
	is_text(back.owner->text, "a@b", "one JID");
	sc_stanza_free(&to);
}

static void
tables(void)
{
	struct sc_stanza *to = sc_stanza_new(SC_IQ, SC_TYPE_RESULT, NULL, NULL, NULL);
	struct sc_elem *x = sc_form_add(to, sc_stanza_root(to), SC_FORM_RESULT, "urn:x");
	struct settings s = before;

	sc_form_put_reported(to, x, &needs);
	sc_form_put_item(to, x, &needs, &s);
	has(sc_stanza_text(a, to, NULL),
		"<reported><field type='text-single' var='x#title' label='Title'/></reported>"
		"<item><field var='x#title'><value>old</value></field></item>");
	sc_stanza_free(&to);
}

int
main(void)
{
	a = arena_new();
	booleans();
	numbers();
	times();
	texts();
	lists();
	jids();
	shapes();
	limits();
	raw();
	asks();
	round_trip();
	tables();
	while (n_trees > 0)
		sc_stanza_free(&trees[--n_trees]);
	arena_free(a);
	return done_testing();
}
