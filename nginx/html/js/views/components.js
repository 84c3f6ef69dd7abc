import { h, to } from '../dom.js';
import { words } from '../format.js';
import { listing } from '../listing.js';
import { time } from '../ui.js';

const TYPES = ['orchestrator', 'artifact_store', 'alerter', 'annotator', 'container_registry', 'data_validator',
  'experiment_tracker', 'feature_store', 'image_builder', 'model_deployer', 'model_registry', 'step_operator'];

export default (page) => listing(page, {
  title: 'Components',
  path: 'components',
  one: 'component',
  filters: [{ name: 'name', label: 'Name' }, { name: 'type', label: 'Type', options: TYPES.map((t) => [t, words(t)]) },
    { name: 'flavor', label: 'Flavor' }],
  columns: [
    { label: 'Component', sort: 'name', cell: (c) => h('a', { href: to(`/components/${c.id}`) }, c.name) },
    { label: 'Type', sort: 'type', cell: (c) => words(c.body.type) },
    { label: 'Flavor', sort: 'flavor', cell: (c) => c.body.flavor },
    { label: 'Integration', hide: 'narrow', cell: (c) => c.body.integration },
    { label: 'By', hide: 'narrow', cell: (c) => c.body.user?.name ?? 'the server' },
    { label: 'Created', sort: 'created', hide: 'phone', cell: (c) => time(c.body.created) },
  ],
  nothing: {
    title: 'No components',
    text: 'Components are what stacks are made of. Register one with the command line:',
    code: 'zenml orchestrator register my_orchestrator --flavor=local',
  },
}).start;
