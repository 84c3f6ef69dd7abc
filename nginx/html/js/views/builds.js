import { idList } from '../parts/thing.js';

export default (page) => idList(page, {
  title: 'Builds',
  path: 'pipeline_builds',
  place: 'builds',
  one: 'build',
  nothing: { title: 'No builds yet', text: 'Pipelines on remote stacks are built into images, which are listed here.' },
});
