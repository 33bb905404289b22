export { type OverlayOptions, renderOverlay } from "./render-overlay.js";
export { type ReportInput, type ReportRun, type ReportSample, renderReport } from "./render-report.js";
export { renderTable, type TableFormat, type TableRow } from "./render-table.js";
