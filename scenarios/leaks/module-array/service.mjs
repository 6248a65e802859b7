// an array that is only ever pushed to
import { drive } from '../driver.cjs';
const metrics = { samples: [], count: 0 };

class Sample { constructor(i) { this.value = i * 1.5; this.labels = { route: `/r${i % 7}` }; } }
drive((i) => { metrics.samples.push(new Sample(i)); metrics.count += 1; });
