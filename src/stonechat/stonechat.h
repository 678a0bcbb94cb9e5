/* SPDX-License-Identifier: MIT */
/*
 * stonechat: the plugin API, whole, in reading order. doc/plugin-guide.md walks through it.
 * Unless a comment says otherwise a function runs on a shard's thread, returned pointers are lent
 * until the function that you are in returns, and strings are copied.
 */
#ifndef STONECHAT_STONECHAT_H
#define STONECHAT_STONECHAT_H

#include <stonechat/module.h>
#include <stonechat/hook.h>
#include <stonechat/stanza.h>
#include <stonechat/jid.h>
#include <stonechat/session.h>
#include <stonechat/entity.h>
#include <stonechat/service.h>
#include <stonechat/iq.h>
#include <stonechat/nonza.h>
#include <stonechat/form.h>
#include <stonechat/disco.h>
#include <stonechat/rsm.h>
#include <stonechat/send.h>
#include <stonechat/fan.h>
#include <stonechat/owed.h>
#include <stonechat/notes.h>
#include <stonechat/store.h>
#include <stonechat/conf.h>
#include <stonechat/command.h>
#include <stonechat/timer.h>
#include <stonechat/log.h>
#include <stonechat/stats.h>
#include <stonechat/text.h>
#include <stonechat/map.h>

#endif
