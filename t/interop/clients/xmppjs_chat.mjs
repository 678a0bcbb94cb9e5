#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// xmpp.js: another language. Found in $INTEROP_NODE, where contrib/check installed it.
import { createRequire } from "node:module";

const require = createRequire(process.env.INTEROP_NODE + "/");
const { client, xml, jid } = require("@xmpp/client");
const env = (name) => process.env["INTEROP_" + name];
const first = Number(env("FIRST"));
let failed = false;

function ok(good, text, why) {
	failed ||= !good;
	console.log(`${good ? "ok" : "not ok"} ${text}`);
	if (!good && why !== undefined) console.log(`# ${why}`);
}

class Person {
	constructor(number, resource) {
		this.bare = `user${number}@${env("DOMAIN")}`;
		this.waiting = [];
		this.came = [];
		this.xmpp = client({
			service: `xmpp://127.0.0.1:${env("C2S")}`,
			domain: env("DOMAIN"),
			username: `user${number}`,
			password: env("PASSWORD"),
			resource,
		});
		if (process.env.INTEROP_DEBUG) {
			this.xmpp.on("input", (s) => console.log("# <", s));
			this.xmpp.on("output", (s) => console.log("# >", s));
		}
		this.xmpp.on("error", (error) => console.log(`# ${this.bare}: ${error}`));
		this.xmpp.on("stanza", (stanza) => {
			this.came.push(stanza);
			this.waiting.splice(0).forEach((wake) => wake());
		});
	}

	async online() {
		this.full = await this.xmpp.start();
		await this.xmpp.send(xml("presence"));
		return this;
	}

	async gets(wanted) {
		const end = Date.now() + 10000;
		for (;;) {
			const i = this.came.findIndex(wanted);
			if (i >= 0) return this.came.splice(i, 1)[0];
			if (Date.now() > end) throw new Error(`${this.full}: timed out, has ${this.came}`);
			await Promise.race([
				new Promise((wake) => this.waiting.push(wake)),
				new Promise((wake) => setTimeout(wake, 500)),
			]);
		}
	}

	chat(to, text) {
		return this.xmpp.send(xml("message", { type: "chat", to }, xml("body", {}, text)));
	}

	presence(type, to) {
		return this.xmpp.send(xml("presence", { type, to }));
	}
}

const body = (text) => (s) => s.is("message") && s.getChildText("body") === text;
const presence = (from, type) => (s) =>
	s.is("presence") && s.attrs.type === type && jid(s.attrs.from).bare().toString() === from;

async function main() {
	const alice = await new Person(first, "laptop").online();
	let bob = await new Person(first + 1, "laptop").online();
	ok(true, "login");

	await alice.presence("subscribe", bob.bare);
	await bob.gets(presence(alice.bare, "subscribe"));
	await bob.presence("subscribed", alice.bare);
	ok(await alice.gets(presence(bob.bare, undefined)), "subscription, and presence after it");

	await alice.chat(bob.bare, "wherefore ünicode 🎭");
	const message = await bob.gets(body("wherefore ünicode 🎭"));
	ok(message.attrs.from === alice.full.toString(), "a chat arrives");
	await bob.chat(message.attrs.from, "here");
	ok(await alice.gets(body("here")), "so does the reply, to the full JID");

	const roster = await alice.xmpp.iqCaller.get(xml("query", "jabber:iq:roster"));
	ok(roster.getChildren("item").some((i) => i.attrs.jid === bob.bare && i.attrs.subscription === "to"),
		"the roster says to", roster);

	await bob.xmpp.stop();
	ok(await alice.gets(presence(bob.bare, "unavailable")), "a contact leaves");
	for (let i = 0; i < 3; i++) await alice.chat(bob.bare, `later ${i}`);
	await alice.xmpp.iqCaller.get(xml("ping", "urn:xmpp:ping"), env("DOMAIN"));
	bob = await new Person(first + 1, "laptop").online();
	const texts = [];
	for (let i = 0; i < 3; i++) texts.push((await bob.gets((s) => s.is("message"))).getChildText("body"));
	ok(texts.join() === "later 0,later 1,later 2", "messages wait for who is offline, in order", texts);
	await bob.xmpp.stop();
	await alice.xmpp.stop();
}

try {
	await main();
} catch (error) {
	ok(false, "the script ran to its end", error.stack);
}
console.log("done");
process.exit(failed ? 1 : 0);
