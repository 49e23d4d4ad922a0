export { buildReport, type Report } from './report.ts';
export { formatDateTime } from './date-time.ts';
export { type OriginalContent, type ReportAction, type ReportRequest, wantsReport } from './report-request.ts';
export { RETURN_LIMIT_OCTETS } from './returned-content.ts';
export { statusOf } from './delivery-status.ts';
