import { agentCases } from './cases/agents.ts';
import { compareWithSdk } from './compare.ts';

compareWithSdk(agentCases);
