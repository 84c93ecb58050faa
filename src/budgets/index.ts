export { budgetRoutes } from './routes.ts';
export { setBudgetsBody } from './schemas.ts';
export { type BudgetService, createBudgetService, type TenantUse } from './service.ts';
export { toLimitView } from './view.ts';
