// The frame of a service with fastify: pino's log, prom-client's metrics when METRICS is set.
import fastify from 'fastify';
import prometheus from 'prom-client';

export async function listen(register) {
  const app = fastify({ logger: true });
  if (process.env.METRICS !== undefined) {
    prometheus.collectDefaultMetrics();
    const durations = new prometheus.Histogram({
      name: 'http_request_duration_seconds', help: 'Time from a request to its answer',
      labelNames: ['method', 'route', 'status_code'], buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    });
    app.addHook('onResponse', async (request, reply) => {
      durations.observe({ method: request.method, route: request.routeOptions.url, status_code: reply.statusCode }, reply.elapsedTime / 1000);
    });
    app.get('/metrics', async (request, reply) => {
      reply.type(prometheus.register.contentType);
      return prometheus.register.metrics();
    });
  }
  await register(app);
  await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
  app.log.info('ready');
  return app;
}
