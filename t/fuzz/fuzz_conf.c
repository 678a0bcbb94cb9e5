/* SPDX-License-Identifier: MIT */
/* Configurations that nobody would write. Reading one may fail, with a sentence; nothing else may
 * happen. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <stonechat/log.h>
#include "base/arena.h"
#include "plugin/conf.h"

struct fuzzed {
	int64_t number, size, time;
	bool truth;
	const char *text, *secret;
	const char *const *list;
	int word;
};

static const struct sc_key keys[] = {
	SC_CONF_INT(struct fuzzed, number, "1", -5, 500, "."),
	SC_CONF_SIZE(struct fuzzed, size, "10MiB", 1, 1LL << 40, "."),
	SC_CONF_TIME(struct fuzzed, time, "10s", 0, 1LL << 50, "."),
	SC_CONF_BOOL(struct fuzzed, truth, "true", "."),
	SC_CONF_TEXT(struct fuzzed, text, "x", "."),
	SC_CONF_SECRET(struct fuzzed, secret, "."),
	SC_CONF_LIST(struct fuzzed, list, "a b", "."),
	SC_CONF_ENUM(struct fuzzed, word, "no", "yes no perhaps", "."),
	SC_CONF_END
};

static void
see(void *arg, const char *section, const char *host, const char *key, const char *value,
	const char *source)
{
	(void)arg;
	(void)host;
	sc_assert(section != NULL && key != NULL && value != NULL && source != NULL);
}

/* libconfig 1.5 forgets the half-read string when a syntax error stops it. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig\n";
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static bool ready;
	char error[1024] = "";
	struct conf *c;

	if (!ready) {
		conf_section("", keys, sizeof(struct sc_key), sizeof(struct fuzzed), false);
		conf_section("part", keys, sizeof(struct sc_key), sizeof(struct fuzzed), true);
		ready = true;
	}
	/* Other files are none of a fuzzer's business. */
	if (memmem(bytes, n, "@include", 8) != NULL || memmem(bytes, n, "secret_file", 11) != NULL)
		return 0;
	c = conf_load_text("fuzz", (struct sc_span){ (const char *)bytes, n }, error,
		sizeof(error));
	sc_assert((c == NULL) == (error[0] != '\0'));
	if (c != NULL)
		conf_each_value(c, see, NULL);
	conf_unref(&c);
	arena_thread_done();
	return 0;
}
