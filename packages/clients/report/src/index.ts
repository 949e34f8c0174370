export { fillPage, type ReportData, type ReportProofs } from './report-data.ts';
