export { fillPage, type ReportData } from './report-data.ts';
