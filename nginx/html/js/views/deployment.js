import { api } from '../api.js';
import { h, to } from '../dom.js';
import { remove } from '../parts/remove.js';
import { thingPage } from '../parts/thing.js';

export default async function deploymentView(page) {
  const deployment = await api.get(`pipeline_deployments/${page.params.id}`, null, page.signal);
  const { metadata: more } = deployment;
  thingPage(page, deployment, {
    title: `Deployment ${deployment.id.slice(0, 8)}`,
    all: ['/deployments', 'Deployments'],
    actions: remove({ what: 'deployment', name: deployment.id.slice(0, 8), path: `pipeline_deployments/${deployment.id}`, then: '/deployments', text: 'Its runs lose their configuration.' }),
    facts: [
      ['Pipeline', more.pipeline && h('a', { href: to(`/pipelines/${more.pipeline.id}`) }, more.pipeline.name)],
      ['Stack', more.stack && h('a', { href: to(`/stacks/${more.stack.id}`) }, more.stack.name)],
      ['Build', more.build && h('a', { href: to(`/builds/${more.build.id}`) }, more.build.id.slice(0, 8))],
      ['Schedule', more.schedule?.name],
      ['Names of runs', h('code', null, more.run_name_template)],
      ['Client', more.client_version], ['Server', more.server_version],
      ['Code', more.code_reference && h('code', null, more.code_reference.body.commit.slice(0, 12))]],
    blocks: [['Pipeline', more.pipeline_configuration], ['Steps', more.step_configurations], ['Client environment', more.client_environment], ['Specification', more.pipeline_spec]],
  });
}
