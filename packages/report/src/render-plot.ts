import { InvalidArgumentError } from "@acr/core";
import { escapeHtml } from "./internal/escape-html.js";

/** Options of `renderPlot`. */
export interface PlotOptions {
  /** What a screen reader says instead of the picture. */
  title: string;
}

/** Axis and text colours follow the page; nothing is fetched or animated. */
const CONFIG = {
  aria: false,
  background: null,
  font: "system-ui, sans-serif",
  view: { stroke: null },
  axis: {
    labelColor: "currentColor",
    titleColor: "currentColor",
    labelFontSize: 13,
    titleFontSize: 13,
    titleFontWeight: 500,
    titlePadding: 8,
    gridColor: "var(--line,#d9dee5)",
    domainColor: "var(--line,#d9dee5)",
    tickColor: "var(--line,#d9dee5)",
    labelLimit: 150,
  },
  legend: {
    labelColor: "currentColor",
    titleColor: "currentColor",
    labelFontSize: 13,
    titleFontSize: 13,
    titleFontWeight: 500,
  },
  text: { color: "currentColor" },
} as const;

/**
 * A Vega-Lite specification as an SVG element, drawn without a browser. Colours may be CSS variables of the page it goes into.
 *
 * @param spec - a Vega-Lite 6 specification with its data inside.
 * @returns one `<svg>` that scales to the width of its container.
 * @throws {InvalidArgumentError} Vega-Lite does not understand the specification.
 * @example const svg = await renderPlot({ data: { values }, mark: "line", encoding }, { title: "NME by epoch" });
 */
export async function renderPlot(spec: object, { title }: PlotOptions): Promise<string> {
  const [vega, vegaLite] = await Promise.all([import("vega"), import("vega-lite")]);
  const problems: string[] = [];
  const logger: Record<string, (...parts: unknown[]) => unknown> = {
    level: () => logger,
    error: (...parts: unknown[]) => {
      problems.push(parts.map(String).join(" "));
      return logger;
    },
    warn: () => logger,
    info: () => logger,
    debug: () => logger,
  };
  let svg: string;
  try {
    const input = { ...spec, config: CONFIG } as unknown as Parameters<typeof vegaLite.compile>[0];
    const compiled = vegaLite.compile(input, { logger: logger as never });
    const view = new vega.View(vega.parse(compiled.spec), { renderer: "none" });
    svg = await view.toSVG();
    view.finalize();
  } catch (cause) {
    throw new InvalidArgumentError(`renderPlot: spec must be a Vega-Lite specification: ${(cause as Error).message}.`, {
      cause,
    });
  }
  if (problems.length > 0) throw new InvalidArgumentError(`renderPlot: ${problems.join("; ")}`);
  // The view box alone lets the page choose the size; white paper would show in dark mode.
  return (
    svg
      .replace(/<svg ([^>]*?) width="[\d.]+" height="[\d.]+"/, '<svg $1 role="img"')
      .replace(/<svg [^>]*>/, (tag) => `${tag}<title>${escapeHtml(title)}</title>`)
      // Vega names its groups for screen readers, but one image with a title and a table behind it says it better.
      .replaceAll(/ (role="graphics-[a-z]+"|aria-roledescription="[^"]*")/g, "")
      .replace(/<rect width="[^"]*" height="[^"]*" fill="white"\s*\/>/, "")
  );
}
