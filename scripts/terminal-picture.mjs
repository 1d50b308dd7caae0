#!/usr/bin/env node
// Draws what a program printed as an SVG picture of a terminal:
//   npm run --silent demo > demo.txt; node scripts/terminal-picture.mjs 'npm run demo' < demo.txt > docs/images/demo.svg
import { readFileSync } from 'node:fs';

const COLUMNS_MAX = 100;
const LINE = 17;
const CHARACTER = 7.83;
const MARGIN = 18;

const escape = (text) =>
  text.replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]);
const command = process.argv[2] ?? '';
const lines = readFileSync(0, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => line.slice(0, COLUMNS_MAX));
const width = Math.ceil(COLUMNS_MAX * CHARACTER + 2 * MARGIN);
const height = (lines.length + 2) * LINE + 2 * MARGIN + 12;

function colour(line) {
  if (line.includes('✓')) return '#7ee787';
  if (/^ *\d+ s +[+~-] /.test(line)) return '#79c0ff';
  if (/^[┌├└│]/.test(line)) return '#c9d1d9';
  return '#e6edf3';
}

const text = (y, fill, content) =>
  `<text x="${MARGIN}" y="${y}" fill="${fill}" xml:space="preserve">${escape(content)}</text>`;
const top = MARGIN + 24;
console.log(
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13" role="img" aria-label="What ${escape(command)} prints">`,
    `<rect width="${width}" height="${height}" rx="10" fill="#0d1117"/>`,
    ...['#ff5f56', '#ffbd2e', '#27c93f'].map(
      (fill, index) =>
        `<circle cx="${MARGIN + 6 + index * 18}" cy="${MARGIN}" r="5.5" fill="${fill}"/>`,
    ),
    text(top, '#8b949e', `$ ${command}`),
    ...lines.map((line, index) => text(top + LINE * (index + 1.3), colour(line), line)),
    '</svg>',
  ].join('\n'),
);
