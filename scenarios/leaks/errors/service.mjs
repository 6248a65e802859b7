// Error objects kept with their stacks
import { drive } from '../driver.cjs';
class ValidationError extends Error { constructor(i) { super(`field ${i} is wrong`); this.field = i; } }
const report = { errors: new Map() };
drive((i) => { report.errors.set(i, new ValidationError(i)); });
