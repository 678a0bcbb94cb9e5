#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// xmpp.js with what saves round trips: SASL2, Bind 2, a FAST token, and resuming within the login.
import { createRequire } from "node:module";

const require = createRequire(process.env.INTEROP_NODE + "/");
const { client, xml } = require("@xmpp/client");
const env = (name) => process.env["INTEROP_" + name];
const agent = "d4565fa7-4d72-4749-b3d3-740edbf87770";
let failed = false;
let token = null;

function ok(good, text, why) {
	failed ||= !good;
	console.log(`${good ? "ok" : "not ok"} ${text}`);
	if (!good && why !== undefined) console.log(`# ${why}`);
}

function person(password) {
	const said = [];
	const heard = [];
	const xmpp = client({
		service: `xmpp://127.0.0.1:${env("C2S")}`,
		domain: env("DOMAIN"),
		username: `user${env("FIRST")}`,
		password,
		resource: "fast",
		userAgent: xml("user-agent", { id: agent }, xml("software", {}, "xmpp.js")),
	});
	xmpp.fast.saveToken = async (t) => void (token = t);
	xmpp.fast.fetchToken = async () => token;
	xmpp.fast.deleteToken = async () => void (token = null);
	xmpp.reconnect.delay = 50;
	xmpp.on("send", (e) => said.push(e.toString()));
	xmpp.on("element", (e) => heard.push(e.toString()));
	xmpp.on("error", (error) => console.log(`# ${error}`));
	if (process.env.INTEROP_DEBUG) {
		xmpp.on("element", (e) => console.log("# <", e.toString()));
		xmpp.on("send", (e) => console.log("# >", e.toString()));
	}
	return { xmpp, said, heard };
}

const once = (emitter, event) => new Promise((done) => emitter.once(event, done));
const late = (ms) => new Promise((_, fail) => setTimeout(() => fail(new Error("timed out")), ms));

async function main() {
	const first = person(env("PASSWORD"));
	const jid = await first.xmpp.start();
	ok(first.said.some((s) => s.includes("urn:xmpp:sasl:2")), "SASL2 is used");
	ok(/\/fast\/.+/.test(jid.toString()), "Bind 2: our tag and the server's id", jid);
	ok(token && token.mechanism === "HT-SHA-256-NONE", "a token is given", JSON.stringify(token));
	ok(new Date(token.expiry) > new Date(), "… that is good for a while");
	await first.xmpp.stop();

	const second = person("not the password");
	const again = await second.xmpp.start();
	ok(second.said.some((s) => s.includes("HT-SHA-256-NONE")), "the token logs in");
	ok(again.toString() === jid.toString(), "… with the same resource", again);
	const pong = await second.xmpp.iqCaller.get(xml("ping", "urn:xmpp:ping"), env("DOMAIN"));
	ok(pong !== null, "… and the session works");

	const resumed = once(second.xmpp.streamManagement, "resumed");
	second.xmpp.socket.socket.destroy();
	await Promise.race([resumed, late(20000)]);
	ok(second.heard.some((s) => s.includes("<resumed") && s.includes("<success")), "a cut link: resumed within the login");
	await second.xmpp.iqCaller.get(xml("ping", "urn:xmpp:ping"), env("DOMAIN"));
	ok(second.xmpp.jid.toString() === jid.toString(), "… as who it was");
	await second.xmpp.stop();
}

try {
	await main();
} catch (error) {
	ok(false, "the script ran to its end", error.stack);
}
console.log("done");
process.exit(failed ? 1 : 0);
