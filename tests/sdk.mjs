// Element's own client library as a second opinion: what it decrypts and would show. One JSON object a line, both ways:
// {"rooms": ""}, {"join": room}, {"say": room, "text": …} and {"show": room} on stdin, an answer to each on stdout.
//
// node sdk.mjs FOLDER-OF-NODE_MODULES HOMESERVER USER, with the password in $PASSWORD.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

for (const level of ["log", "debug", "info", "warn", "trace"]) console[level] = () => {};
const tell = (object) => process.stdout.write(JSON.stringify(object) + "\n");
const [folder, baseUrl, user] = process.argv.slice(2);
const sdk = await import(pathToFileURL(createRequire(`${folder}/`).resolve("matrix-js-sdk")));

const password = process.env.PASSWORD;
const login = await sdk.createClient({ baseUrl }).loginRequest({
  type: "m.login.password", identifier: { type: "m.id.user", user }, password,
});
const client = sdk.createClient({
  baseUrl, userId: login.user_id, deviceId: login.device_id, accessToken: login.access_token, timelineSupport: true,
});
await client.initRustCrypto({ useIndexedDB: false });
await client.startClient({ initialSyncLimit: 100 });
await new Promise((ready) => client.on("sync", (state) => state === "PREPARED" && ready()));
tell({ device: login.device_id, key: (await client.getCrypto().getOwnDeviceKeys()).ed25519 });

async function show(id) {
  const room = client.getRoom(id);
  if (room === null) return { events: [], pinned: [] };
  while (room.oldState.paginationToken !== null) await client.scrollback(room, 100);
  const timeline = room.getLiveTimeline();
  const events = timeline.getEvents().map((event) => ({
    event: event.getId(), sender: event.getSender(), type: event.getType(), content: event.getContent(),
    state: event.isState(), edited: event.replacingEventId() ?? null, encrypted: event.isEncrypted(),
    locked: event.isDecryptionFailure() ? event.decryptionFailureReason : null,
  }));
  const pins = timeline.getState("f").getStateEvents("m.room.pinned_events", "");
  return { events, pinned: pins?.getContent().pinned ?? [] };
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  try {
    if ("rooms" in asked) tell({ rooms: client.getRooms().map((room) => [room.roomId, room.getMyMembership()]) });
    else if (asked.join) tell({ joined: (await client.joinRoom(asked.join)).roomId });
    else if (asked.say) tell({ said: (await client.sendTextMessage(asked.say, asked.text)).event_id });
    else tell(await show(asked.show));
  } catch (problem) {
    tell({ problem: String(problem) });
  }
}
client.stopClient();
process.exit(0);
