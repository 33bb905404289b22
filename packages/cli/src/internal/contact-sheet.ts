import type { RgbImage } from "@acr/core";
import { renderOverlay } from "@acr/report";

/** One picture of a sheet. */
export interface SheetCell {
  image: RgbImage;
  /** Flat, `centered` frame. */
  landmarks?: ArrayLike<number>;
  visible?: ArrayLike<number>;
  /** Indices of landmarks to point at. */
  marked?: readonly number[];
  caption: string;
  note?: string;
}

/** Cells under one heading. */
export interface SheetSection {
  title: string;
  lead?: string;
  cells: readonly SheetCell[];
  /** Lines of text instead of pictures. */
  lines?: readonly string[];
}

/** Text within HTML. */
export const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);

const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6570; --ground: #fff; --card: #f4f6f8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf0; --soft: #9aa5b1; --ground: #14171a; --card: #1e2329; } }
body { margin: 0 auto; max-width: 1400px; padding: 1.5rem; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .25rem; }
p { margin: .25rem 0 1rem; color: var(--soft); max-width: 75ch; }
.grid { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fill, minmax(min(160px, 44vw), 1fr)); }
figure { margin: 0; background: var(--card); border-radius: 6px; overflow: hidden; }
.face { position: relative; aspect-ratio: 1; }
.face img, .face svg { position: absolute; inset: 0; width: 100%; height: 100%; }
figcaption { padding: .35rem .5rem; font-size: .75rem; line-height: 1.35; overflow-wrap: anywhere; }
figcaption small { display: block; color: var(--soft); }
summary { margin-top: .75rem; cursor: pointer; color: var(--soft); }
ul { padding-left: 1.2rem; overflow-wrap: anywhere; font-size: .85rem; }
.legend i { display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin: 0 .3em 0 .8em; }
`;

/** A page of its own with pictures of faces, landmarks drawn over them. */
export async function contactSheet({
  title,
  lead,
  sections,
}: {
  title: string;
  lead: string;
  sections: readonly SheetSection[];
}): Promise<string> {
  const parts: string[] = [];
  for (const section of sections) {
    parts.push(`<section><h2>${escapeHtml(section.title)}</h2>`);
    if (section.lead) parts.push(`<p>${escapeHtml(section.lead)}</p>`);
    if (section.cells.length > 0) {
      parts.push('<div class="grid">');
      for (const cell of section.cells) parts.push(await figure(cell));
      parts.push("</div>");
    }
    if (section.lines && section.lines.length > 0) {
      const list = `<ul>${section.lines.map((line) => `<li>${escapeHtml(line)}</li>`).join("")}</ul>`;
      const isMore = section.cells.length > 0;
      parts.push(isMore ? `<details><summary>${section.lines.length} more</summary>${list}</details>` : list);
    }
    parts.push("</section>");
  }
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><h1>${escapeHtml(title)}</h1><p>${escapeHtml(lead)}</p>
<p class="legend"><i style="background:#56b4e9"></i>visible or not said<i style="background:#e69f00"></i>hidden<i style="background:#d6006c"></i>pointed at</p>
${parts.join("\n")}
</body></html>
`;
}

async function figure({ image, landmarks, visible, marked = [], caption, note }: SheetCell): Promise<string> {
  const png = Buffer.from(await renderOverlay(image, {})).toString("base64");
  const dots: string[] = [];
  for (let k = 0; landmarks && k < landmarks.length / 2; k++) {
    const isMarked = marked.includes(k);
    const color = isMarked ? "#d6006c" : visible && !visible[k] ? "#e69f00" : "#56b4e9";
    const [x, y] = [landmarks[2 * k]! + 0.5, landmarks[2 * k + 1]! + 0.5];
    dots.push(
      `<circle cx="${(100 * x).toFixed(2)}" cy="${(100 * y).toFixed(2)}" r="${isMarked ? 2.4 : 0.9}" fill="${color}"/>`,
    );
  }
  return `<figure><div class="face"><img alt="" src="data:image/png;base64,${png}"><svg viewBox="0 0 100 100" aria-hidden="true">${dots.join("")}</svg></div><figcaption>${escapeHtml(caption)}${note ? `<small>${escapeHtml(note)}</small>` : ""}</figcaption></figure>`;
}
