// Block Kit as HTML: reads [{"blocks": [...], "bare": bool}] on stdin, writes {"style": CSS, "parts": [HTML, ...]}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const require = createRequire(process.argv[2] + "/");
const { createElement } = require("react");
const { renderToStaticMarkup } = require("react-dom/server");
const { Message } = require("slack-blocks-to-jsx");

const given = JSON.parse(await text(process.stdin));
const logo =
  "data:image/svg+xml," +
  encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" width="36" height="36"><rect width="36" height="36" rx="6" fill="#4a154b"/></svg>');
const time = new Date(given.at);
const parts = given.cards.map(({ blocks, bare }) =>
  renderToStaticMarkup(
    createElement(Message, {
      blocks,
      logo,
      name: given.name,
      time,
      withoutWrapper: bare,
      style: { maxWidth: "none" },
      data: { users: given.users, channels: [], user_groups: [] },
    }),
  ),
);
const style = readFileSync(require.resolve("slack-blocks-to-jsx/dist/style.css"), "utf8");
process.stdout.write(JSON.stringify({ style, parts }));
