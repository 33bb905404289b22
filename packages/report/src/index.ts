export { type ContactSheetOptions, renderContactSheet, type SheetFace } from "./render-contact-sheet.js";
export { type OverlayOptions, renderOverlay } from "./render-overlay.js";
export { type OverlaySvgOptions, renderOverlaySvg } from "./render-overlay-svg.js";
export { type PlotOptions, renderPlot } from "./render-plot.js";
export { type ProgressGifOptions, renderProgressGif } from "./render-progress-gif.js";
export {
  type ReportComparison,
  type ReportInput,
  type ReportRun,
  type ReportSample,
  renderReport,
} from "./render-report.js";
export { renderTable, type TableFormat, type TableRow } from "./render-table.js";
