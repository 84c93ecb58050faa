import { appCases } from './cases/apps.ts';
import { compareWithSdk } from './compare.ts';

compareWithSdk(appCases);
