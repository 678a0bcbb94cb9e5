/* SPDX-License-Identifier: MIT */
/*
 * module: one feature as data. The core registers, undoes and documents it. Arrays end with a
 * zeroed element.
 */
#ifndef STONECHAT_MODULE_H
#define STONECHAT_MODULE_H

#pragma GCC visibility push(default)

#include <stonechat/command.h>
#include <stonechat/conf.h>
#include <stonechat/disco.h>
#include <stonechat/entity.h>
#include <stonechat/hook.h>
#include <stonechat/iq.h>
#include <stonechat/nonza.h>
#include <stonechat/service.h>
#include <stonechat/stats.h>
#include <stonechat/store.h>

#define SC_API_MAGIC 0x53746f6e         /* "Ston" */
#define SC_API_MAJOR 1                  /* a module with another major is refused */
#define SC_API_MINOR 2                  /* a module with a larger minor is refused */

struct sc_module {
	uint32_t magic;
	uint16_t api_major, api_minor;
	/* Sizes of what the module lays out, so that structs may grow at their end within a major
	 * version. */
	uint16_t size_module, size_hook, size_iq, size_feature, size_identity, size_key,
		size_command, size_stmt;
	const char *name;
	const char *summary;            /* a sentence */
	const char *const *implements;  /* "XEP-0199 2.0.1"; NULL-terminated */
	const char *const *needs;       /* names of modules that must be loaded too */
	const struct sc_hook *hooks;
	const struct sc_iq *iq;
	const struct sc_feature *features;
	const struct sc_identity *identities;
	const struct sc_slot *const *slots;
	const struct sc_counter *const *counters;
	const struct sc_key *conf;
	size_t conf_size;               /* of the struct that the keys fill */
	const struct sc_stmt *const *statements;
	const struct sc_command_row *commands;
	/* Checks a parsed configuration beyond single keys. False: refused with the sentence. May
	 * be NULL. */
	bool (*conf_check)(const void *conf, char *error, size_t error_size);
	/* Runs once on every shard after the worker started; for timers. May be NULL. */
	void (*shard_start)(struct sc_ctx *);
	/* Runs once on every shard when the server is stopped in order, after its sessions have
	 * ended: the last chance to send to the database what was kept for a batch. May be NULL. */
	void (*shard_stop)(struct sc_ctx *);
	/* Since 1.1. What follows is added at the end, so that modules made for less still fit. */
	uint16_t size_nonza;
	const struct sc_nonza *nonzas;
	/* Since 1.2. */
	uint16_t size_service;
	const struct sc_service *services;
};

const char *sc_version(void);           /* of the server: "0.1.0" */

#define SC_LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define SC_SLOTS(...) ((const struct sc_slot *const[]){ __VA_ARGS__, NULL })
#define SC_COUNTERS(...) ((const struct sc_counter *const[]){ __VA_ARGS__, NULL })

/* The one symbol a module exports. */
#define SC_MODULE(ident, ...) \
	extern const struct sc_module sc_module_##ident; \
	__attribute__((visibility("default"))) const struct sc_module sc_module_##ident = { \
		.magic = SC_API_MAGIC, .api_major = SC_API_MAJOR, .api_minor = SC_API_MINOR, \
		.size_module = sizeof(struct sc_module), .size_hook = sizeof(struct sc_hook), \
		.size_iq = sizeof(struct sc_iq), .size_feature = sizeof(struct sc_feature), \
		.size_identity = sizeof(struct sc_identity), .size_key = sizeof(struct sc_key), \
		.size_command = sizeof(struct sc_command_row), \
		.size_stmt = sizeof(struct sc_stmt), .size_nonza = sizeof(struct sc_nonza), \
		.size_service = sizeof(struct sc_service), \
		.name = #ident, __VA_ARGS__ }

#pragma GCC visibility pop

#endif
