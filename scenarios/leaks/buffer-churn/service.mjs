// Buffers that are let go
import { drive } from '../driver.cjs';
import { createHash } from 'node:crypto';

drive((i) => createHash('sha256').update(Buffer.alloc(32 * 1024, i & 255)).digest('hex'));
