import { approvalCases } from './cases/approvals.ts';
import { compareWithSdk } from './compare.ts';

compareWithSdk(approvalCases);
