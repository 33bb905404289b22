import { SERIES_COLORS } from "./series-style.js";

const series = (mode: "light" | "dark") =>
  SERIES_COLORS.map((color, i) => `--series-${i + 1}:${color[mode]}`).join(";");
const LIGHT = `--text:#1c2430;--soft:#566070;--line:#d9dee5;--back:#fff;--card:#f6f8fa;${series("light")}`;
const DARK = `--text:#e6eaf0;--soft:#a3afbe;--line:#38424f;--back:#12161c;--card:#1a2028;${series("dark")}`;

/** The page's style sheet: light and dark by the reader's setting, always light on paper. */
export const REPORT_STYLE = `
:root{color-scheme:light dark;${LIGHT}}
@media screen and (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1180px;padding:24px 20px 60px;font:16px/1.55 system-ui,sans-serif;color:var(--text);background:var(--back)}
h1{font-size:1.7rem;line-height:1.25;margin:.2em 0;overflow-wrap:anywhere}h2{font-size:1.25rem;margin:2em 0 .6em}h3{font-size:1rem;margin:1.4em 0 .5em;overflow-wrap:anywhere}
p.lead,figcaption,.soft{color:var(--soft)}
.scroll{overflow-x:auto;margin:14px 0;container-type:inline-size}.scroll:focus-visible,pre:focus-visible{outline:2px solid var(--series-1);outline-offset:2px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:7px 12px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}th:first-child,td:first-child{text-align:left}
caption{text-align:left;color:var(--soft);padding-bottom:6px}caption span{display:block;position:sticky;left:0;width:max-content;max-width:100cqi}td.best{font-weight:700}
.plots{display:grid;gap:28px;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));align-items:start}
figure{margin:0;min-width:0}figure.plot>svg{width:100%;max-height:460px;height:auto;display:block}figure.plot figcaption{margin-bottom:8px}
.legend{display:flex;flex-wrap:wrap;gap:4px 20px;margin:.4em 0 1em}.key{overflow-wrap:anywhere}
.faces{display:grid;gap:14px;grid-template-columns:repeat(auto-fill,minmax(150px,1fr))}
.faces svg{width:100%;height:auto;border-radius:6px;display:block}.faces figcaption{font-size:.82rem;line-height:1.35;margin-top:4px;overflow-wrap:anywhere}
details{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:6px 14px;margin:10px 0}summary{cursor:pointer;overflow-wrap:anywhere}
details table{font-size:.86rem}details .scroll{max-height:340px;overflow:auto}pre{overflow-x:auto;font-size:.82rem}
@media (max-width:520px){body{padding:16px 14px 40px}.faces{grid-template-columns:repeat(2,1fr)}th,td{padding:6px 8px}th[scope=row]{white-space:normal;overflow-wrap:anywhere;min-width:30vw}}
@media print{body{max-width:none;padding:0;font-size:11pt}figure details{display:none}details{border:0;padding:0}details::details-content{display:block;content-visibility:visible;height:auto}summary{list-style:none;font-weight:600}pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:7.5pt}table{font-size:8.5pt}th,td{padding:3px 5px;white-space:normal}th[scope=row]{overflow-wrap:anywhere}figure,tr{break-inside:avoid}h2,h3{break-after:avoid}.scroll{overflow:visible}}`;
