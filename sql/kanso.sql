-- What Kanso adds to the tables of ZenML 0.66.0: tables and indexes whose names begin with kanso_.
-- ZenML 0.66.0 never looks at them, so it opens the database all the same. Dropping them loses
-- nobody's data, only Kanso's speed, and the next `kansoctl migrate` makes them again.
--
-- A statement ends with a semicolon at the end of its line and is carried out when what it creates
-- is missing. CREATE INDEX IF NOT EXISTS is MariaDB's alone, so kansoctl looks before it creates:
--
--   CREATE TABLE IF NOT EXISTS `kanso_...` (    with its indexes; one with `id` and `created` gets
--                                               an order of creation from kansoctl, before its key
--   ALTER TABLE `...` ADD COLUMN `...` ...;     one column each, which rows may lack (NULL or
--                                               DEFAULT): ZenML does not name it when it writes
--   CREATE INDEX `kanso_...`                    on ZenML's tables

-- Kanso's own facts about this database: `state` is "initialising" while the tables of an empty
-- database are being made (a start that was cut short is then taken up again) and "ready"
-- afterwards; `schema` is the level of this file; `starting` is written by every start before it
-- adds rows, so that two starts at once do so one after the other.
CREATE TABLE IF NOT EXISTS `kanso_meta` (
  `name`  varchar(64) NOT NULL,
  `value` text NOT NULL,
  PRIMARY KEY (`name`)
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;

-- Two creates of one name must meet on something that both write. The reference's tables have
-- almost no unique keys, nor may they get any (old data can hold duplicates). Both write this row
-- first, in the transaction that checks and creates; the second waits there until the first has
-- ended. kansoctl gives it the character set and the collation of the names in ZenML's tables.
CREATE TABLE IF NOT EXISTS `kanso_name_guard` (
  `resource` varchar(32) NOT NULL,
  `scope`    varchar(128) NOT NULL,
  `name`     varchar(255) NOT NULL,
  PRIMARY KEY (`resource`, `scope`, `name`)
) ENGINE=InnoDB;

-- Tries at secrets (logins, password changes, activations), by client address and by a digest of what
-- the client calls the account: what all workers and hosts count together (`at` in seconds since
-- 1970). Rows older than a day are swept away.
CREATE TABLE IF NOT EXISTS `kanso_attempt` (
  `id`      bigint unsigned NOT NULL AUTO_INCREMENT,
  `limiter` varchar(16) NOT NULL,
  `address` varchar(64) NOT NULL,
  `account` char(32) NOT NULL,
  `at`      bigint NOT NULL,
  PRIMARY KEY (`id`),
  KEY `kanso_attempt_who` (`limiter`, `address`, `at`),
  KEY `kanso_attempt_at` (`at`)
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;

-- Sessions that can be ended (KANSO_STRICT): those of tokens that are good. `via` is the API key or device that opened
-- one, `credential` a digest of the account's password then, `expires` in seconds since 1970.
CREATE TABLE IF NOT EXISTS `kanso_session` (
  `id`         char(32) NOT NULL,
  `user_id`    char(32) NOT NULL,
  `via`        char(32),
  `credential` char(64),
  `expires`    bigint,
  PRIMARY KEY (`id`),
  KEY `kanso_session_user` (`user_id`),
  KEY `kanso_session_via` (`via`),
  KEY `kanso_session_expires` (`expires`)
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;

-- Background work (src/jobs). `due`, in seconds since 1970 by this database's clock, is when there is something to do with a
-- row: run a waiting one, take a running one away from who has not renewed its lease; of those that are done or failed,
-- when they ended. `subject` is the id that an operator looks for it by. `attempt` counts how often it has been started;
-- `owner` has the lease.
CREATE TABLE IF NOT EXISTS `kanso_job` (
  `id`         char(32) NOT NULL,
  `created`    datetime NOT NULL,
  `updated`    datetime NOT NULL,
  `kind`       varchar(32) NOT NULL,
  `subject`    char(32) NOT NULL,
  `unique_key` varchar(128),
  `state`      varchar(8) NOT NULL,
  `cancelled`  tinyint NOT NULL DEFAULT 0,
  `attempt`    int NOT NULL DEFAULT 0,
  `due`        bigint NOT NULL,
  `owner`      varchar(128),
  `payload`    longblob NOT NULL,
  `outcome`    text,
  PRIMARY KEY (`id`),
  UNIQUE KEY `kanso_job_unique_key` (`kind`, `unique_key`),
  KEY `kanso_job_due` (`state`, `due`),
  KEY `kanso_job_subject` (`subject`, `kind`)
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;

-- What Kanso notes about the start of a run from a template; the id of its deployment is that of the workload.
CREATE TABLE IF NOT EXISTS `kanso_workload_log` (
  `id`            char(32) NOT NULL,
  `created`       datetime NOT NULL,
  `deployment_id` char(32) NOT NULL,
  `message`       text NOT NULL,
  PRIMARY KEY (`id`),
  KEY `kanso_workload_log_deployment` (`deployment_id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;

-- Who did what (KANSO_AUDIT, docs/operations/audit.md): a row for each object that a request has changed, or one for a
-- request that has changed none. It refers to nothing, so that it outlives what it tells of. `counted` is set where
-- nobody knows who asked: its first ten characters are the hour, and what is the same within it is one row that counts
-- its `times`, the last at `updated`.
CREATE TABLE IF NOT EXISTS `kanso_audit` (
  `id`            char(32) NOT NULL,
  `created`       datetime NOT NULL,
  `updated`       datetime NOT NULL,
  `operation`     varchar(160) NOT NULL,
  `outcome`       varchar(8) NOT NULL,
  `status`        int NOT NULL,
  `actor`         varchar(16),
  `user_id`       char(32),
  `user_name`     varchar(255),
  `credential`    varchar(32),
  `credential_id` char(32),
  `address`       varchar(64),
  `request_id`    varchar(64),
  `object_type`   varchar(64),
  `object_id`     char(32),
  `object_name`   varchar(255),
  `effect`        varchar(8),
  `fields`        text,
  `times`         int NOT NULL DEFAULT 1,
  `counted`       char(32),
  PRIMARY KEY (`id`),
  UNIQUE KEY `kanso_audit_counted` (`counted`),
  KEY `kanso_kanso_audit_created` (`created`, `kanso_order`),
  KEY `kanso_audit_user` (`user_id`, `created`),
  KEY `kanso_audit_object` (`object_id`, `created`)
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;

-- Until when the firings of a trigger's schedule have been dealt with, in seconds since 1970 (src/jobs/scheduler.h).
CREATE TABLE IF NOT EXISTS `kanso_trigger_schedule` (
  `trigger_id` char(32) NOT NULL,
  `seen`       bigint NOT NULL,
  PRIMARY KEY (`trigger_id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;

-- How often rows have been deleted, by slots that connections share: what workers remember of the size of tables holds as
-- long as the sum is the same (src/resource/total.h).
CREATE TABLE IF NOT EXISTS `kanso_deletion` (
  `slot`  int NOT NULL,
  `times` bigint NOT NULL,
  PRIMARY KEY (`slot`)
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;

-- Pages are in order of creation: by time, and within one second by `kanso_order`, a number that kansoctl adds to every
-- table (src/db/steps.c). Without an index each page sorts the whole table; read backwards, it gives the newest first.
CREATE INDEX `kanso_action_created`
  ON `action` (`created`, `kanso_order`);
CREATE INDEX `kanso_api_key_created`
  ON `api_key` (`created`, `kanso_order`);
CREATE INDEX `kanso_artifact_created`
  ON `artifact` (`created`, `kanso_order`);
CREATE INDEX `kanso_artifact_version_created`
  ON `artifact_version` (`created`, `kanso_order`);
CREATE INDEX `kanso_auth_devices_created`
  ON `auth_devices` (`created`, `kanso_order`);
CREATE INDEX `kanso_code_repository_created`
  ON `code_repository` (`created`, `kanso_order`);
CREATE INDEX `kanso_event_source_created`
  ON `event_source` (`created`, `kanso_order`);
CREATE INDEX `kanso_flavor_created`
  ON `flavor` (`created`, `kanso_order`);
CREATE INDEX `kanso_model_created`
  ON `model` (`created`, `kanso_order`);
CREATE INDEX `kanso_model_version_created`
  ON `model_version` (`created`, `kanso_order`);
CREATE INDEX `kanso_model_versions_artifacts_created`
  ON `model_versions_artifacts` (`created`, `kanso_order`);
CREATE INDEX `kanso_model_versions_runs_created`
  ON `model_versions_runs` (`created`, `kanso_order`);
CREATE INDEX `kanso_pipeline_created`
  ON `pipeline` (`created`, `kanso_order`);
CREATE INDEX `kanso_pipeline_build_created`
  ON `pipeline_build` (`created`, `kanso_order`);
CREATE INDEX `kanso_pipeline_deployment_created`
  ON `pipeline_deployment` (`created`, `kanso_order`);
CREATE INDEX `kanso_pipeline_run_created`
  ON `pipeline_run` (`created`, `kanso_order`);
CREATE INDEX `kanso_run_metadata_created`
  ON `run_metadata` (`created`, `kanso_order`);
CREATE INDEX `kanso_run_template_created`
  ON `run_template` (`created`, `kanso_order`);
CREATE INDEX `kanso_schedule_created`
  ON `schedule` (`created`, `kanso_order`);
CREATE INDEX `kanso_secret_created`
  ON `secret` (`created`, `kanso_order`);
CREATE INDEX `kanso_service_created`
  ON `service` (`created`, `kanso_order`);
CREATE INDEX `kanso_service_connector_created`
  ON `service_connector` (`created`, `kanso_order`);
CREATE INDEX `kanso_stack_created`
  ON `stack` (`created`, `kanso_order`);
CREATE INDEX `kanso_stack_component_created`
  ON `stack_component` (`created`, `kanso_order`);
CREATE INDEX `kanso_step_run_created`
  ON `step_run` (`created`, `kanso_order`);
CREATE INDEX `kanso_tag_created`
  ON `tag` (`created`, `kanso_order`);
CREATE INDEX `kanso_trigger_created`
  ON `trigger` (`created`, `kanso_order`);
CREATE INDEX `kanso_trigger_execution_created`
  ON `trigger_execution` (`created`, `kanso_order`);
-- The first executions of a trigger, and their number, which its answer shows.
CREATE INDEX `kanso_trigger_execution_trigger`
  ON `trigger_execution` (`trigger_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_user_created`
  ON `user` (`created`, `kanso_order`);
CREATE INDEX `kanso_workspace_created`
  ON `workspace` (`created`, `kanso_order`);

-- The same order within a workspace, which is what the stock client asks for, where rows grow with
-- use.
CREATE INDEX `kanso_artifact_version_workspace_created`
  ON `artifact_version` (`workspace_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_model_workspace_created`
  ON `model` (`workspace_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_pipeline_workspace_created`
  ON `pipeline` (`workspace_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_pipeline_build_workspace_created`
  ON `pipeline_build` (`workspace_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_pipeline_deployment_workspace_created`
  ON `pipeline_deployment` (`workspace_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_pipeline_run_workspace_created`
  ON `pipeline_run` (`workspace_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_schedule_workspace_created`
  ON `schedule` (`workspace_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_service_workspace_created`
  ON `service` (`workspace_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_step_run_workspace_created`
  ON `step_run` (`workspace_id`, `created`, `kanso_order`);

-- Runs by status.
CREATE INDEX `kanso_pipeline_run_status_created`
  ON `pipeline_run` (`status`, `created`, `kanso_order`);
CREATE INDEX `kanso_pipeline_run_workspace_status_created`
  ON `pipeline_run` (`workspace_id`, `status`, `created`, `kanso_order`);

-- The runs of a pipeline or of a template, the steps of a run, the versions of an artifact: in
-- order, and the latest.
CREATE INDEX `kanso_pipeline_run_pipeline_created`
  ON `pipeline_run` (`pipeline_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_pipeline_deployment_template`
  ON `pipeline_deployment` (`template_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_step_run_pipeline_run_created`
  ON `step_run` (`pipeline_run_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_artifact_version_artifact_created`
  ON `artifact_version` (`artifact_id`, `created`, `kanso_order`);

-- The versions of an artifact or model by number: the next one, the latest one.
CREATE INDEX `kanso_artifact_version_latest`
  ON `artifact_version` (`artifact_id`, `created`, `version_number`);
CREATE INDEX `kanso_artifact_version_artifact_version_number`
  ON `artifact_version` (`artifact_id`, `version_number`);
CREATE INDEX `kanso_model_version_model_number`
  ON `model_version` (`model_id`, `number`);

-- Tags and metadata name what they belong to by id and type, with no foreign key and so no index.
CREATE INDEX `kanso_tag_resource_resource`
  ON `tag_resource` (`resource_id`, `resource_type`);
CREATE INDEX `kanso_run_metadata_resource`
  ON `run_metadata` (`resource_id`, `resource_type`);

-- Objects are asked for by name as often as by id, and each create looks for its name; lists are sorted by it.
CREATE INDEX `kanso_artifact_name`
  ON `artifact` (`name`, `created`, `kanso_order`);
CREATE INDEX `kanso_code_repository_name`
  ON `code_repository` (`name`, `created`, `kanso_order`);
CREATE INDEX `kanso_model_name`
  ON `model` (`name`, `created`, `kanso_order`);
CREATE INDEX `kanso_pipeline_name`
  ON `pipeline` (`name`, `created`, `kanso_order`);
CREATE INDEX `kanso_pipeline_run_name`
  ON `pipeline_run` (`name`, `created`, `kanso_order`);
CREATE INDEX `kanso_schedule_name`
  ON `schedule` (`name`, `created`, `kanso_order`);
CREATE INDEX `kanso_secret_name`
  ON `secret` (`name`, `created`, `kanso_order`);
CREATE INDEX `kanso_service_name`
  ON `service` (`name`, `created`, `kanso_order`);
CREATE INDEX `kanso_stack_name`
  ON `stack` (`name`, `created`, `kanso_order`);
CREATE INDEX `kanso_stack_component_name`
  ON `stack_component` (`name`, `created`, `kanso_order`);
CREATE INDEX `kanso_tag_name`
  ON `tag` (`name`, `created`, `kanso_order`);
CREATE INDEX `kanso_flavor_name_type_created`
  ON `flavor` (`name`, `type`, `created`, `kanso_order`);

-- Whether a step can be taken from the cache: the latest step with its cache key, looked for
-- before each step.
CREATE INDEX `kanso_step_run_cache_key_created`
  ON `step_run` (`cache_key`, `created`, `kanso_order`);

-- Tables that grow with each run: whatever else lists of them are filtered or sorted by, a page then takes no more than its
-- part of an index, and so does counting. What has no index here holds one of two values. Of a TEXT column the beginning is
-- indexed, which finds a value or a beginning but gives no order.
CREATE INDEX `kanso_pipeline_run_updated_created`
  ON `pipeline_run` (`updated`, `created`, `kanso_order`);
CREATE INDEX `kanso_pipeline_run_user_id_created`
  ON `pipeline_run` (`user_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_pipeline_run_deployment_id_created`
  ON `pipeline_run` (`deployment_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_pipeline_run_start_time_created`
  ON `pipeline_run` (`start_time`, `created`, `kanso_order`);
CREATE INDEX `kanso_pipeline_run_end_time_created`
  ON `pipeline_run` (`end_time`, `created`, `kanso_order`);
CREATE INDEX `kanso_pipeline_run_orchestrator_run_id_created`
  ON `pipeline_run` (`orchestrator_run_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_step_run_name_created`
  ON `step_run` (`name`, `created`, `kanso_order`);
CREATE INDEX `kanso_step_run_updated_created`
  ON `step_run` (`updated`, `created`, `kanso_order`);
CREATE INDEX `kanso_step_run_user_id_created`
  ON `step_run` (`user_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_step_run_status_created`
  ON `step_run` (`status`, `created`, `kanso_order`);
CREATE INDEX `kanso_step_run_code_hash_created`
  ON `step_run` (`code_hash`, `created`, `kanso_order`);
CREATE INDEX `kanso_step_run_start_time_created`
  ON `step_run` (`start_time`, `created`, `kanso_order`);
CREATE INDEX `kanso_step_run_end_time_created`
  ON `step_run` (`end_time`, `created`, `kanso_order`);
CREATE INDEX `kanso_step_run_original_step_run_id_created`
  ON `step_run` (`original_step_run_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_pipeline_deployment_updated_created`
  ON `pipeline_deployment` (`updated`, `created`, `kanso_order`);
CREATE INDEX `kanso_pipeline_deployment_user_id_created`
  ON `pipeline_deployment` (`user_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_pipeline_deployment_pipeline_id_created`
  ON `pipeline_deployment` (`pipeline_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_pipeline_deployment_stack_id_created`
  ON `pipeline_deployment` (`stack_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_pipeline_deployment_build_id_created`
  ON `pipeline_deployment` (`build_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_pipeline_deployment_schedule_id_created`
  ON `pipeline_deployment` (`schedule_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_artifact_version_updated_created`
  ON `artifact_version` (`updated`, `created`, `kanso_order`);
CREATE INDEX `kanso_artifact_version_user_id_created`
  ON `artifact_version` (`user_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_artifact_version_version_created`
  ON `artifact_version` (`version`, `created`, `kanso_order`);
CREATE INDEX `kanso_artifact_version_version_number_created`
  ON `artifact_version` (`version_number`, `created`, `kanso_order`);
CREATE INDEX `kanso_artifact_version_type_created`
  ON `artifact_version` (`type`, `created`, `kanso_order`);
CREATE INDEX `kanso_artifact_version_artifact_store_id_created`
  ON `artifact_version` (`artifact_store_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_artifact_version_uri`
  ON `artifact_version` (`uri`(255));
CREATE INDEX `kanso_artifact_version_materializer`
  ON `artifact_version` (`materializer`(255));
CREATE INDEX `kanso_artifact_version_data_type`
  ON `artifact_version` (`data_type`(255));
CREATE INDEX `kanso_model_version_stage`
  ON `model_version` (`stage`(64));
CREATE INDEX `kanso_model_version_name_created`
  ON `model_version` (`name`, `created`, `kanso_order`);
CREATE INDEX `kanso_model_version_updated_created`
  ON `model_version` (`updated`, `created`, `kanso_order`);
CREATE INDEX `kanso_model_version_user_id_created`
  ON `model_version` (`user_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_model_version_workspace_id_created`
  ON `model_version` (`workspace_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_model_version_number_created`
  ON `model_version` (`number`, `created`, `kanso_order`);
CREATE INDEX `kanso_run_metadata_updated_created`
  ON `run_metadata` (`updated`, `created`, `kanso_order`);
CREATE INDEX `kanso_run_metadata_key_created`
  ON `run_metadata` (`key`, `created`, `kanso_order`);
CREATE INDEX `kanso_run_metadata_type_created`
  ON `run_metadata` (`type`, `created`, `kanso_order`);
CREATE INDEX `kanso_run_metadata_resource_id_created`
  ON `run_metadata` (`resource_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_run_metadata_resource_type_created`
  ON `run_metadata` (`resource_type`, `created`, `kanso_order`);
CREATE INDEX `kanso_run_metadata_stack_component_id_created`
  ON `run_metadata` (`stack_component_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_model_versions_artifacts_updated_created`
  ON `model_versions_artifacts` (`updated`, `created`, `kanso_order`);
CREATE INDEX `kanso_model_versions_artifacts_user_id_created`
  ON `model_versions_artifacts` (`user_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_model_versions_artifacts_workspace_id_created`
  ON `model_versions_artifacts` (`workspace_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_model_versions_artifacts_model_id_created`
  ON `model_versions_artifacts` (`model_id`, `created`, `kanso_order`);
-- With all that an answer says of a link: a version may have thousands.
CREATE INDEX `kanso_model_versions_artifacts_model_version_id_created`
  ON `model_versions_artifacts` (`model_version_id`, `created`, `kanso_order`, `artifact_version_id`, `is_model_artifact`, `is_deployment_artifact`);
CREATE INDEX `kanso_model_versions_artifacts_is_model_artifact_created`
  ON `model_versions_artifacts` (`is_model_artifact`, `created`, `kanso_order`);
CREATE INDEX `kanso_model_versions_artifacts_is_deployment_artifact_created`
  ON `model_versions_artifacts` (`is_deployment_artifact`, `created`, `kanso_order`);
CREATE INDEX `kanso_model_versions_artifacts_artifact_version_created`
  ON `model_versions_artifacts` (`artifact_version_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_model_versions_runs_updated_created`
  ON `model_versions_runs` (`updated`, `created`, `kanso_order`);
CREATE INDEX `kanso_model_versions_runs_user_id_created`
  ON `model_versions_runs` (`user_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_model_versions_runs_workspace_id_created`
  ON `model_versions_runs` (`workspace_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_model_versions_runs_model_id_created`
  ON `model_versions_runs` (`model_id`, `created`, `kanso_order`);
CREATE INDEX `kanso_model_versions_runs_model_version_id_created`
  ON `model_versions_runs` (`model_version_id`, `created`, `kanso_order`, `pipeline_run_id`);
CREATE INDEX `kanso_model_versions_runs_pipeline_run_id_created`
  ON `model_versions_runs` (`pipeline_run_id`, `created`, `kanso_order`);

-- What hangs on a tag, by kind.
CREATE INDEX `kanso_tag_resource_tag`
  ON `tag_resource` (`tag_id`, `resource_type`, `resource_id`);

-- How much has been tagged since it was last counted.
CREATE INDEX `kanso_tag_resource_tag_counted`
  ON `tag_resource` (`tag_id`, `kanso_order`);
