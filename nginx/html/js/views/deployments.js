import { idList } from '../parts/thing.js';

export default (page) => idList(page, {
  title: 'Deployments',
  path: 'pipeline_deployments',
  place: 'deployments',
  one: 'deployment',
  nothing: { title: 'No deployments yet', text: 'Each run of a pipeline is made from one.' },
});
