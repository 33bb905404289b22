/** Style of the page of `acr shape show`: light and dark, wide and narrow. */
export const SHAPE_PAGE_STYLE = `
:root{color-scheme:light dark;--text:#1c2430;--soft:#56606e;--line:#d4dae2;--back:#fff;--card:#f5f7fa;--low:#b35900;--high:#0a5fa3;--accent:#0a5fa3;--easy:#ffe9a8;--mid:#f08a24;--hard:#b3123f}
@media (prefers-color-scheme:dark){:root{--text:#e8ecf2;--soft:#a3afbd;--line:#39434f;--back:#12161c;--card:#1b212a;--low:#f2a654;--high:#6cb8ee;--accent:#6cb8ee}}
*{box-sizing:border-box}body{margin:0 auto;max-width:1120px;padding:24px 20px 64px;font:16px/1.55 system-ui,sans-serif;color:var(--text);background:var(--back)}
h1{font-size:1.7rem;margin:.2em 0}h2{font-size:1.25rem;margin:2.2em 0 .5em}h3{font-size:1rem;margin:1.4em 0 .5em}p{max-width:75ch}.soft,figcaption,.lead{color:var(--soft)}
.mover{display:grid;gap:24px;grid-template-columns:minmax(240px,400px) minmax(260px,1fr);align-items:start}
.mover svg,.card svg{display:block;width:100%;height:auto;background:var(--card);border:1px solid var(--line);border-radius:8px}
.slider{display:grid;grid-template-columns:8.6em 1fr 4.6em;gap:10px;align-items:center;padding:5px 0}
.slider span{color:var(--soft);font-size:.86rem}.slider output{text-align:right;font-variant-numeric:tabular-nums}
input[type=range]{width:100%;height:28px;accent-color:var(--accent)}
button{font:inherit;padding:8px 16px;margin:8px 8px 0 0;border:1px solid var(--line);border-radius:6px;background:var(--card);color:var(--text);cursor:pointer}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.cards{display:grid;gap:14px;grid-template-columns:repeat(auto-fill,minmax(150px,1fr))}.card{margin:0}.card figcaption{font-size:.84rem;padding-top:4px}
path.line,polyline{fill:none;stroke-linejoin:round;stroke-linecap:round}
.now{stroke:var(--accent)}.rest{stroke:var(--soft);opacity:.55}.low{stroke:var(--low)}.high{stroke:var(--high)}
circle.point{fill:var(--accent)}.scroll{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{padding:6px 12px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left}caption{text-align:left;color:var(--soft);padding-bottom:6px}
.plot{max-width:760px;width:100%;height:auto;display:block}.plot text{font-size:13px;fill:var(--soft)}.plot .grid{stroke:var(--line)}.plot .curve{fill:none;stroke:var(--accent);stroke-width:2.5}
.plot .variance{fill:var(--high);stroke:var(--back);stroke-width:1.5}.plot .count{fill:var(--low);stroke:var(--back);stroke-width:1.5}
.key{display:inline-block;width:.8em;height:.8em;border-radius:50%;margin-right:.35em}.key.square{border-radius:1px}.key.variance{background:var(--high)}.key.count{background:var(--low)}
.stages{display:grid;gap:10px;grid-auto-flow:column;grid-auto-columns:minmax(150px,1fr);overflow-x:auto;padding-bottom:8px}
.stages figure{margin:0}.stages svg{display:block;width:100%;height:auto;background:var(--card);border-radius:6px}.stages figcaption{font-size:.8rem;line-height:1.35;padding-top:4px}
.scale{display:flex;align-items:center;gap:10px;color:var(--soft);font-size:.9rem}.scale i{display:block;width:140px;height:12px;border-radius:6px;background:linear-gradient(90deg,var(--easy),var(--mid),var(--hard))}
@media (max-width:700px){body{padding:16px 14px 48px}.mover{grid-template-columns:1fr;gap:12px}.mover>svg{position:sticky;top:0;max-height:44vh;z-index:1}.slider{grid-template-columns:7.4em 1fr 4.2em;gap:8px}}
@media print{button,#controls{display:none}}`;
