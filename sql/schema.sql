-- The tables of ZenML 0.66.0 as a fresh database has them: 40 tables, columns in this order.
--
-- Identifiers are char(32), lower-case hexadecimal without dashes. Times are naive UTC in whole
-- seconds. No column has a default: a writer names every column. Character set and collation are
-- the database's own. Every foreign key's index is spelled out: an index that the database makes by
-- itself is dropped again, silently, when a wider one (see kanso.sql) begins with the same column.
--
-- A statement ends with a semicolon at the end of its line. Creating is repeatable, because a start
-- that was cut short is taken up again by the next one.

-- The server itself and who may use it

CREATE TABLE IF NOT EXISTS `alembic_version` (
  `version_num` varchar(32) NOT NULL,
  PRIMARY KEY (`version_num`)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `server_settings` (
  `id`                    char(32) NOT NULL,
  `server_name`           varchar(255) NOT NULL,
  `logo_url`              varchar(255),
  `active`                tinyint(1) NOT NULL,
  `enable_analytics`      tinyint(1) NOT NULL,
  `display_announcements` tinyint(1),
  `display_updates`       tinyint(1),
  `onboarding_state`      varchar(255),
  `last_user_activity`    datetime NOT NULL,
  `updated`               datetime NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `workspace` (
  `id`          char(32) NOT NULL,
  `created`     datetime NOT NULL,
  `updated`     datetime NOT NULL,
  `name`        varchar(255) NOT NULL,
  `description` varchar(255) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `user` (
  `id`                 char(32) NOT NULL,
  `created`            datetime NOT NULL,
  `updated`            datetime NOT NULL,
  `name`               varchar(255) NOT NULL,
  `is_service_account` tinyint(1) NOT NULL,
  `full_name`          varchar(255) NOT NULL,
  `description`        text,
  `email`              varchar(255),
  `active`             tinyint(1) NOT NULL,
  `password`           varchar(255),
  `activation_token`   varchar(255),
  `email_opted_in`     tinyint(1),
  `external_user_id`   char(32),
  `is_admin`           tinyint(1) NOT NULL,
  `user_metadata`      varchar(255),
  PRIMARY KEY (`id`),
  UNIQUE KEY `name` (`name`, `is_service_account`)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `api_key` (
  `id`                 char(32) NOT NULL,
  `created`            datetime NOT NULL,
  `updated`            datetime NOT NULL,
  `name`               varchar(255) NOT NULL,
  `description`        text,
  `key`                varchar(255) NOT NULL,
  `previous_key`       varchar(255),
  `retain_period`      int NOT NULL,
  `active`             tinyint(1) NOT NULL,
  `last_login`         datetime,
  `last_rotated`       datetime,
  `service_account_id` char(32) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `fk_api_key_service_account_id_user` (`service_account_id`),
  CONSTRAINT `fk_api_key_service_account_id_user`
    FOREIGN KEY (`service_account_id`) REFERENCES `user` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `auth_devices` (
  `id`                   char(32) NOT NULL,
  `created`              datetime NOT NULL,
  `updated`              datetime NOT NULL,
  `client_id`            char(32) NOT NULL,
  `user_code`            varchar(255) NOT NULL,
  `device_code`          varchar(255) NOT NULL,
  `status`               varchar(255) NOT NULL,
  `failed_auth_attempts` int NOT NULL,
  `expires`              datetime,
  `last_login`           datetime,
  `trusted_device`       tinyint(1) NOT NULL,
  `os`                   varchar(255),
  `ip_address`           varchar(255),
  `hostname`             varchar(255),
  `python_version`       varchar(255),
  `zenml_version`        varchar(255),
  `city`                 varchar(255),
  `region`               varchar(255),
  `country`              varchar(255),
  `user_id`              char(32),
  PRIMARY KEY (`id`),
  KEY `fk_auth_devices_user_id_user` (`user_id`),
  CONSTRAINT `fk_auth_devices_user_id_user`
    FOREIGN KEY (`user_id`) REFERENCES `user` (`id`) ON DELETE SET NULL
) ENGINE=InnoDB;

-- Stacks and what they are made of

CREATE TABLE IF NOT EXISTS `flavor` (
  `id`                         char(32) NOT NULL,
  `created`                    datetime NOT NULL,
  `updated`                    datetime NOT NULL,
  `name`                       varchar(255) NOT NULL,
  `type`                       varchar(255) NOT NULL,
  `source`                     varchar(255) NOT NULL,
  `config_schema`              text NOT NULL,
  `integration`                varchar(255),
  `connector_type`             varchar(255),
  `connector_resource_type`    varchar(255),
  `connector_resource_id_attr` varchar(255),
  `workspace_id`               char(32),
  `user_id`                    char(32),
  `logo_url`                   varchar(255),
  `docs_url`                   varchar(255),
  `sdk_docs_url`               varchar(255),
  `is_custom`                  tinyint(1) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `fk_flavor_workspace_id_workspace` (`workspace_id`),
  KEY `fk_flavor_user_id_user` (`user_id`),
  CONSTRAINT `fk_flavor_user_id_user`
    FOREIGN KEY (`user_id`) REFERENCES `user` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_flavor_workspace_id_workspace`
    FOREIGN KEY (`workspace_id`) REFERENCES `workspace` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `service_connector` (
  `id`                     char(32) NOT NULL,
  `created`                datetime NOT NULL,
  `updated`                datetime NOT NULL,
  `name`                   varchar(255) NOT NULL,
  `connector_type`         text,
  `description`            varchar(255) NOT NULL,
  `auth_method`            text,
  `resource_types`         blob NOT NULL,
  `resource_id`            text,
  `supports_instances`     tinyint(1) NOT NULL,
  `configuration`          blob,
  `secret_id`              char(32),
  `expires_at`             datetime,
  `expires_skew_tolerance` int,
  `expiration_seconds`     int,
  `labels`                 blob,
  `workspace_id`           char(32) NOT NULL,
  `user_id`                char(32),
  PRIMARY KEY (`id`),
  KEY `fk_service_connector_workspace_id_workspace` (`workspace_id`),
  KEY `fk_service_connector_user_id_user` (`user_id`),
  CONSTRAINT `fk_service_connector_user_id_user`
    FOREIGN KEY (`user_id`) REFERENCES `user` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_service_connector_workspace_id_workspace`
    FOREIGN KEY (`workspace_id`) REFERENCES `workspace` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `stack_component` (
  `id`                    char(32) NOT NULL,
  `created`               datetime NOT NULL,
  `updated`               datetime NOT NULL,
  `name`                  varchar(255) NOT NULL,
  `type`                  varchar(255) NOT NULL,
  `flavor`                varchar(255) NOT NULL,
  `configuration`         blob NOT NULL,
  `labels`                blob,
  `component_spec_path`   varchar(255),
  `workspace_id`          char(32) NOT NULL,
  `user_id`               char(32),
  `connector_id`          char(32),
  `connector_resource_id` varchar(255),
  PRIMARY KEY (`id`),
  KEY `fk_stack_component_workspace_id_workspace` (`workspace_id`),
  KEY `fk_stack_component_user_id_user` (`user_id`),
  KEY `fk_stack_component_connector_id_service_connector` (`connector_id`),
  CONSTRAINT `fk_stack_component_connector_id_service_connector`
    FOREIGN KEY (`connector_id`) REFERENCES `service_connector` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_stack_component_user_id_user`
    FOREIGN KEY (`user_id`) REFERENCES `user` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_stack_component_workspace_id_workspace`
    FOREIGN KEY (`workspace_id`) REFERENCES `workspace` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `stack` (
  `id`              char(32) NOT NULL,
  `created`         datetime NOT NULL,
  `updated`         datetime NOT NULL,
  `name`            varchar(255) NOT NULL,
  `stack_spec_path` varchar(255),
  `labels`          blob,
  `workspace_id`    char(32) NOT NULL,
  `user_id`         char(32),
  PRIMARY KEY (`id`),
  KEY `fk_stack_workspace_id_workspace` (`workspace_id`),
  KEY `fk_stack_user_id_user` (`user_id`),
  CONSTRAINT `fk_stack_user_id_user`
    FOREIGN KEY (`user_id`) REFERENCES `user` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_stack_workspace_id_workspace`
    FOREIGN KEY (`workspace_id`) REFERENCES `workspace` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `stack_composition` (
  `stack_id`     char(32) NOT NULL,
  `component_id` char(32) NOT NULL,
  PRIMARY KEY (`stack_id`, `component_id`),
  KEY `fk_stack_composition_component_id_stack_component` (`component_id`),
  CONSTRAINT `fk_stack_composition_component_id_stack_component`
    FOREIGN KEY (`component_id`) REFERENCES `stack_component` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_stack_composition_stack_id_stack`
    FOREIGN KEY (`stack_id`) REFERENCES `stack` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `secret` (
  `id`           char(32) NOT NULL,
  `created`      datetime NOT NULL,
  `updated`      datetime NOT NULL,
  `name`         varchar(255) NOT NULL,
  `scope`        varchar(255) NOT NULL,
  `values`       text,
  `workspace_id` char(32) NOT NULL,
  `user_id`      char(32) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `fk_secret_workspace_id_workspace` (`workspace_id`),
  KEY `fk_secret_user_id_user` (`user_id`),
  CONSTRAINT `fk_secret_user_id_user`
    FOREIGN KEY (`user_id`) REFERENCES `user` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_secret_workspace_id_workspace`
    FOREIGN KEY (`workspace_id`) REFERENCES `workspace` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `code_repository` (
  `id`           char(32) NOT NULL,
  `created`      datetime NOT NULL,
  `updated`      datetime NOT NULL,
  `name`         varchar(255) NOT NULL,
  `workspace_id` char(32) NOT NULL,
  `user_id`      char(32),
  `config`       text NOT NULL,
  `source`       text NOT NULL,
  `logo_url`     varchar(255),
  `description`  text,
  PRIMARY KEY (`id`),
  KEY `fk_code_repository_workspace_id_workspace` (`workspace_id`),
  KEY `fk_code_repository_user_id_user` (`user_id`),
  CONSTRAINT `fk_code_repository_user_id_user`
    FOREIGN KEY (`user_id`) REFERENCES `user` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_code_repository_workspace_id_workspace`
    FOREIGN KEY (`workspace_id`) REFERENCES `workspace` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `code_reference` (
  `id`                 char(32) NOT NULL,
  `created`            datetime NOT NULL,
  `updated`            datetime NOT NULL,
  `workspace_id`       char(32) NOT NULL,
  `code_repository_id` char(32) NOT NULL,
  `commit`             varchar(255) NOT NULL,
  `subdirectory`       varchar(255) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `fk_code_reference_workspace_id_workspace` (`workspace_id`),
  KEY `fk_code_reference_code_repository_id_code_repository` (`code_repository_id`),
  CONSTRAINT `fk_code_reference_code_repository_id_code_repository`
    FOREIGN KEY (`code_repository_id`) REFERENCES `code_repository` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_code_reference_workspace_id_workspace`
    FOREIGN KEY (`workspace_id`) REFERENCES `workspace` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

-- Pipelines and how they are to run

CREATE TABLE IF NOT EXISTS `pipeline` (
  `id`           char(32) NOT NULL,
  `created`      datetime NOT NULL,
  `updated`      datetime NOT NULL,
  `name`         varchar(255) NOT NULL,
  `description`  text,
  `workspace_id` char(32) NOT NULL,
  `user_id`      char(32),
  PRIMARY KEY (`id`),
  KEY `fk_pipeline_workspace_id_workspace` (`workspace_id`),
  KEY `fk_pipeline_user_id_user` (`user_id`),
  CONSTRAINT `fk_pipeline_user_id_user`
    FOREIGN KEY (`user_id`) REFERENCES `user` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_pipeline_workspace_id_workspace`
    FOREIGN KEY (`workspace_id`) REFERENCES `workspace` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `pipeline_build` (
  `id`             char(32) NOT NULL,
  `created`        datetime NOT NULL,
  `updated`        datetime NOT NULL,
  `user_id`        char(32),
  `workspace_id`   char(32) NOT NULL,
  `stack_id`       char(32),
  `pipeline_id`    char(32),
  `images`         mediumtext NOT NULL,
  `is_local`       tinyint(1) NOT NULL,
  `contains_code`  tinyint(1) NOT NULL,
  `zenml_version`  varchar(255),
  `python_version` varchar(255),
  `checksum`       varchar(255),
  `stack_checksum` varchar(255),
  PRIMARY KEY (`id`),
  KEY `fk_pipeline_build_user_id_user` (`user_id`),
  KEY `fk_pipeline_build_workspace_id_workspace` (`workspace_id`),
  KEY `fk_pipeline_build_stack_id_stack` (`stack_id`),
  KEY `fk_pipeline_build_pipeline_id_pipeline` (`pipeline_id`),
  CONSTRAINT `fk_pipeline_build_pipeline_id_pipeline`
    FOREIGN KEY (`pipeline_id`) REFERENCES `pipeline` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_pipeline_build_stack_id_stack`
    FOREIGN KEY (`stack_id`) REFERENCES `stack` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_pipeline_build_user_id_user`
    FOREIGN KEY (`user_id`) REFERENCES `user` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_pipeline_build_workspace_id_workspace`
    FOREIGN KEY (`workspace_id`) REFERENCES `workspace` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `schedule` (
  `id`                  char(32) NOT NULL,
  `created`             datetime NOT NULL,
  `updated`             datetime NOT NULL,
  `name`                varchar(255) NOT NULL,
  `workspace_id`        char(32) NOT NULL,
  `user_id`             char(32),
  `pipeline_id`         char(32),
  `orchestrator_id`     char(32),
  `active`              tinyint(1) NOT NULL,
  `cron_expression`     varchar(255),
  `start_time`          datetime,
  `end_time`            datetime,
  `interval_second`     float,
  `catchup`             tinyint(1) NOT NULL,
  `run_once_start_time` datetime,
  PRIMARY KEY (`id`),
  KEY `fk_schedule_workspace_id_workspace` (`workspace_id`),
  KEY `fk_schedule_user_id_user` (`user_id`),
  KEY `fk_schedule_pipeline_id_pipeline` (`pipeline_id`),
  KEY `fk_schedule_orchestrator_id_stack_component` (`orchestrator_id`),
  CONSTRAINT `fk_schedule_orchestrator_id_stack_component`
    FOREIGN KEY (`orchestrator_id`) REFERENCES `stack_component` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_schedule_pipeline_id_pipeline`
    FOREIGN KEY (`pipeline_id`) REFERENCES `pipeline` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_schedule_user_id_user`
    FOREIGN KEY (`user_id`) REFERENCES `user` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_schedule_workspace_id_workspace`
    FOREIGN KEY (`workspace_id`) REFERENCES `workspace` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `pipeline_deployment` (
  `id`                     char(32) NOT NULL,
  `created`                datetime NOT NULL,
  `updated`                datetime NOT NULL,
  `pipeline_configuration` mediumtext NOT NULL,
  `step_configurations`    mediumtext NOT NULL,
  `client_environment`     text NOT NULL,
  `run_name_template`      varchar(255) NOT NULL,
  `client_version`         varchar(255),
  `server_version`         varchar(255),
  `pipeline_version_hash`  varchar(255),
  `pipeline_spec`          mediumtext,
  `code_path`              varchar(255),
  `user_id`                char(32),
  `workspace_id`           char(32) NOT NULL,
  `stack_id`               char(32),
  `pipeline_id`            char(32),
  `schedule_id`            char(32),
  `build_id`               char(32),
  `code_reference_id`      char(32),
  `template_id`            char(32),
  PRIMARY KEY (`id`),
  KEY `fk_pipeline_deployment_user_id_user` (`user_id`),
  KEY `fk_pipeline_deployment_workspace_id_workspace` (`workspace_id`),
  KEY `fk_pipeline_deployment_stack_id_stack` (`stack_id`),
  KEY `fk_pipeline_deployment_pipeline_id_pipeline` (`pipeline_id`),
  KEY `fk_pipeline_deployment_schedule_id_schedule` (`schedule_id`),
  KEY `fk_pipeline_deployment_build_id_pipeline_build` (`build_id`),
  KEY `fk_pipeline_deployment_code_reference_id_code_reference` (`code_reference_id`),
  CONSTRAINT `fk_pipeline_deployment_build_id_pipeline_build`
    FOREIGN KEY (`build_id`) REFERENCES `pipeline_build` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_pipeline_deployment_code_reference_id_code_reference`
    FOREIGN KEY (`code_reference_id`) REFERENCES `code_reference` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_pipeline_deployment_pipeline_id_pipeline`
    FOREIGN KEY (`pipeline_id`) REFERENCES `pipeline` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_pipeline_deployment_schedule_id_schedule`
    FOREIGN KEY (`schedule_id`) REFERENCES `schedule` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_pipeline_deployment_stack_id_stack`
    FOREIGN KEY (`stack_id`) REFERENCES `stack` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_pipeline_deployment_user_id_user`
    FOREIGN KEY (`user_id`) REFERENCES `user` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_pipeline_deployment_workspace_id_workspace`
    FOREIGN KEY (`workspace_id`) REFERENCES `workspace` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `run_template` (
  `id`                   char(32) NOT NULL,
  `created`              datetime NOT NULL,
  `updated`              datetime NOT NULL,
  `name`                 varchar(255) NOT NULL,
  `description`          mediumtext,
  `user_id`              char(32),
  `workspace_id`         char(32) NOT NULL,
  `source_deployment_id` char(32),
  PRIMARY KEY (`id`),
  UNIQUE KEY `unique_template_name_in_workspace` (`name`, `workspace_id`),
  KEY `fk_run_template_user_id_user` (`user_id`),
  KEY `fk_run_template_workspace_id_workspace` (`workspace_id`),
  KEY `fk_run_template_source_deployment_id_pipeline_deployment` (`source_deployment_id`),
  CONSTRAINT `fk_run_template_source_deployment_id_pipeline_deployment`
    FOREIGN KEY (`source_deployment_id`) REFERENCES `pipeline_deployment` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_run_template_user_id_user`
    FOREIGN KEY (`user_id`) REFERENCES `user` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_run_template_workspace_id_workspace`
    FOREIGN KEY (`workspace_id`) REFERENCES `workspace` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

-- Models

CREATE TABLE IF NOT EXISTS `model` (
  `id`                      char(32) NOT NULL,
  `created`                 datetime NOT NULL,
  `updated`                 datetime NOT NULL,
  `name`                    varchar(255) NOT NULL,
  `workspace_id`            char(32) NOT NULL,
  `user_id`                 char(32),
  `license`                 text,
  `description`             text,
  `audience`                text,
  `use_cases`               text,
  `limitations`             text,
  `trade_offs`              text,
  `ethics`                  text,
  `save_models_to_registry` tinyint(1) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `fk_model_workspace_id_workspace` (`workspace_id`),
  KEY `fk_model_user_id_user` (`user_id`),
  CONSTRAINT `fk_model_user_id_user`
    FOREIGN KEY (`user_id`) REFERENCES `user` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_model_workspace_id_workspace`
    FOREIGN KEY (`workspace_id`) REFERENCES `workspace` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `model_version` (
  `id`           char(32) NOT NULL,
  `created`      datetime NOT NULL,
  `updated`      datetime NOT NULL,
  `name`         varchar(255) NOT NULL,
  `workspace_id` char(32) NOT NULL,
  `user_id`      char(32),
  `model_id`     char(32) NOT NULL,
  `number`       int NOT NULL,
  `description`  text,
  `stage`        text,
  PRIMARY KEY (`id`),
  KEY `fk_model_version_workspace_id_workspace` (`workspace_id`),
  KEY `fk_model_version_user_id_user` (`user_id`),
  KEY `fk_model_version_model_id_model` (`model_id`),
  CONSTRAINT `fk_model_version_model_id_model`
    FOREIGN KEY (`model_id`) REFERENCES `model` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_model_version_user_id_user`
    FOREIGN KEY (`user_id`) REFERENCES `user` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_model_version_workspace_id_workspace`
    FOREIGN KEY (`workspace_id`) REFERENCES `workspace` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

-- Automation

CREATE TABLE IF NOT EXISTS `action` (
  `id`                 char(32) NOT NULL,
  `created`            datetime NOT NULL,
  `updated`            datetime NOT NULL,
  `name`               varchar(255) NOT NULL,
  `workspace_id`       char(32) NOT NULL,
  `user_id`            char(32),
  `service_account_id` char(32) NOT NULL,
  `auth_window`        int NOT NULL,
  `flavor`             varchar(255) NOT NULL,
  `plugin_subtype`     varchar(255) NOT NULL,
  `description`        text,
  `configuration`      blob NOT NULL,
  PRIMARY KEY (`id`),
  KEY `fk_action_workspace_id_workspace` (`workspace_id`),
  KEY `fk_action_user_id_user` (`user_id`),
  KEY `fk_action_service_account_id_user` (`service_account_id`),
  CONSTRAINT `fk_action_service_account_id_user`
    FOREIGN KEY (`service_account_id`) REFERENCES `user` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_action_user_id_user`
    FOREIGN KEY (`user_id`) REFERENCES `user` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_action_workspace_id_workspace`
    FOREIGN KEY (`workspace_id`) REFERENCES `workspace` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `event_source` (
  `id`             char(32) NOT NULL,
  `created`        datetime NOT NULL,
  `updated`        datetime NOT NULL,
  `name`           varchar(255) NOT NULL,
  `workspace_id`   char(32) NOT NULL,
  `user_id`        char(32),
  `flavor`         varchar(255) NOT NULL,
  `plugin_subtype` varchar(255) NOT NULL,
  `description`    text,
  `configuration`  blob NOT NULL,
  `is_active`      tinyint(1) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `fk_event_source_workspace_id_workspace` (`workspace_id`),
  KEY `fk_event_source_user_id_user` (`user_id`),
  CONSTRAINT `fk_event_source_user_id_user`
    FOREIGN KEY (`user_id`) REFERENCES `user` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_event_source_workspace_id_workspace`
    FOREIGN KEY (`workspace_id`) REFERENCES `workspace` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `trigger` (
  `id`              char(32) NOT NULL,
  `created`         datetime NOT NULL,
  `updated`         datetime NOT NULL,
  `name`            varchar(255) NOT NULL,
  `workspace_id`    char(32) NOT NULL,
  `user_id`         char(32),
  `event_source_id` char(32),
  `action_id`       char(32) NOT NULL,
  `event_filter`    blob NOT NULL,
  `schedule`        blob,
  `description`     text,
  `is_active`       tinyint(1) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `fk_trigger_workspace_id_workspace` (`workspace_id`),
  KEY `fk_trigger_user_id_user` (`user_id`),
  KEY `fk_trigger_event_source_id_event_source` (`event_source_id`),
  KEY `fk_trigger_action_id_action` (`action_id`),
  CONSTRAINT `fk_trigger_action_id_action`
    FOREIGN KEY (`action_id`) REFERENCES `action` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_trigger_event_source_id_event_source`
    FOREIGN KEY (`event_source_id`) REFERENCES `event_source` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_trigger_user_id_user`
    FOREIGN KEY (`user_id`) REFERENCES `user` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_trigger_workspace_id_workspace`
    FOREIGN KEY (`workspace_id`) REFERENCES `workspace` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `trigger_execution` (
  `id`             char(32) NOT NULL,
  `created`        datetime NOT NULL,
  `updated`        datetime NOT NULL,
  `trigger_id`     char(32) NOT NULL,
  `event_metadata` blob,
  PRIMARY KEY (`id`),
  KEY `fk_trigger_execution_trigger_id_trigger` (`trigger_id`),
  CONSTRAINT `fk_trigger_execution_trigger_id_trigger`
    FOREIGN KEY (`trigger_id`) REFERENCES `trigger` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

-- Runs, their steps and what these made

CREATE TABLE IF NOT EXISTS `pipeline_run` (
  `id`                       char(32) NOT NULL,
  `created`                  datetime NOT NULL,
  `updated`                  datetime NOT NULL,
  `name`                     varchar(255) NOT NULL,
  `orchestrator_run_id`      varchar(255),
  `start_time`               datetime,
  `end_time`                 datetime,
  `status`                   varchar(255) NOT NULL,
  `orchestrator_environment` text,
  `deployment_id`            char(32),
  `user_id`                  char(32),
  `workspace_id`             char(32) NOT NULL,
  `pipeline_id`              char(32),
  `model_version_id`         char(32),
  `pipeline_configuration`   text,
  `client_environment`       text,
  `stack_id`                 char(32),
  `build_id`                 char(32),
  `schedule_id`              char(32),
  `trigger_execution_id`     char(32),
  PRIMARY KEY (`id`),
  UNIQUE KEY `unique_orchestrator_run_id_for_deployment_id` (`deployment_id`, `orchestrator_run_id`),
  KEY `fk_pipeline_run_user_id_user` (`user_id`),
  KEY `fk_pipeline_run_workspace_id_workspace` (`workspace_id`),
  KEY `fk_pipeline_run_pipeline_id_pipeline` (`pipeline_id`),
  KEY `fk_pipeline_run_model_version_id_model_version` (`model_version_id`),
  KEY `fk_pipeline_run_stack_id_stack` (`stack_id`),
  KEY `fk_pipeline_run_build_id_pipeline_build` (`build_id`),
  KEY `fk_pipeline_run_schedule_id_schedule` (`schedule_id`),
  KEY `fk_pipeline_run_trigger_execution_id_trigger_execution` (`trigger_execution_id`),
  CONSTRAINT `fk_pipeline_run_build_id_pipeline_build`
    FOREIGN KEY (`build_id`) REFERENCES `pipeline_build` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_pipeline_run_deployment_id_pipeline_deployment`
    FOREIGN KEY (`deployment_id`) REFERENCES `pipeline_deployment` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_pipeline_run_model_version_id_model_version`
    FOREIGN KEY (`model_version_id`) REFERENCES `model_version` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_pipeline_run_pipeline_id_pipeline`
    FOREIGN KEY (`pipeline_id`) REFERENCES `pipeline` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_pipeline_run_schedule_id_schedule`
    FOREIGN KEY (`schedule_id`) REFERENCES `schedule` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_pipeline_run_stack_id_stack`
    FOREIGN KEY (`stack_id`) REFERENCES `stack` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_pipeline_run_trigger_execution_id_trigger_execution`
    FOREIGN KEY (`trigger_execution_id`) REFERENCES `trigger_execution` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_pipeline_run_user_id_user`
    FOREIGN KEY (`user_id`) REFERENCES `user` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_pipeline_run_workspace_id_workspace`
    FOREIGN KEY (`workspace_id`) REFERENCES `workspace` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `step_run` (
  `id`                   char(32) NOT NULL,
  `created`              datetime NOT NULL,
  `updated`              datetime NOT NULL,
  `name`                 varchar(255) NOT NULL,
  `start_time`           datetime,
  `end_time`             datetime,
  `status`               varchar(255) NOT NULL,
  `docstring`            text,
  `cache_key`            varchar(255),
  `source_code`          text,
  `code_hash`            varchar(255),
  `step_configuration`   mediumtext,
  `original_step_run_id` char(32),
  `deployment_id`        char(32),
  `pipeline_run_id`      char(32) NOT NULL,
  `user_id`              char(32),
  `workspace_id`         char(32) NOT NULL,
  `model_version_id`     char(32),
  PRIMARY KEY (`id`),
  KEY `fk_step_run_original_step_run_id_step_run` (`original_step_run_id`),
  KEY `fk_step_run_deployment_id_pipeline_deployment` (`deployment_id`),
  KEY `fk_step_run_pipeline_run_id_pipeline_run` (`pipeline_run_id`),
  KEY `fk_step_run_user_id_user` (`user_id`),
  KEY `fk_step_run_workspace_id_workspace` (`workspace_id`),
  KEY `fk_step_run_model_version_id_model_version` (`model_version_id`),
  CONSTRAINT `fk_step_run_deployment_id_pipeline_deployment`
    FOREIGN KEY (`deployment_id`) REFERENCES `pipeline_deployment` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_step_run_model_version_id_model_version`
    FOREIGN KEY (`model_version_id`) REFERENCES `model_version` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_step_run_original_step_run_id_step_run`
    FOREIGN KEY (`original_step_run_id`) REFERENCES `step_run` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_step_run_pipeline_run_id_pipeline_run`
    FOREIGN KEY (`pipeline_run_id`) REFERENCES `pipeline_run` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_step_run_user_id_user`
    FOREIGN KEY (`user_id`) REFERENCES `user` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_step_run_workspace_id_workspace`
    FOREIGN KEY (`workspace_id`) REFERENCES `workspace` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `step_run_parents` (
  `parent_id` char(32) NOT NULL,
  `child_id`  char(32) NOT NULL,
  PRIMARY KEY (`parent_id`, `child_id`),
  KEY `fk_step_run_parents_child_id_step_run` (`child_id`),
  CONSTRAINT `fk_step_run_parents_child_id_step_run`
    FOREIGN KEY (`child_id`) REFERENCES `step_run` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_step_run_parents_parent_id_step_run`
    FOREIGN KEY (`parent_id`) REFERENCES `step_run` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `artifact` (
  `id`              char(32) NOT NULL,
  `created`         datetime NOT NULL,
  `updated`         datetime NOT NULL,
  `name`            varchar(255) NOT NULL,
  `has_custom_name` tinyint(1) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `artifact_version` (
  `id`                char(32) NOT NULL,
  `created`           datetime NOT NULL,
  `updated`           datetime NOT NULL,
  `version`           varchar(255) NOT NULL,
  `version_number`    int,
  `type`              varchar(255) NOT NULL,
  `uri`               text NOT NULL,
  `materializer`      text NOT NULL,
  `data_type`         text NOT NULL,
  `artifact_id`       char(32) NOT NULL,
  `artifact_store_id` char(32),
  `user_id`           char(32),
  `workspace_id`      char(32) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `fk_artifact_version_artifact_id_artifact` (`artifact_id`),
  KEY `fk_artifact_version_artifact_store_id_stack_component` (`artifact_store_id`),
  KEY `fk_artifact_version_user_id_user` (`user_id`),
  KEY `fk_artifact_version_workspace_id_workspace` (`workspace_id`),
  CONSTRAINT `fk_artifact_version_artifact_id_artifact`
    FOREIGN KEY (`artifact_id`) REFERENCES `artifact` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_artifact_version_artifact_store_id_stack_component`
    FOREIGN KEY (`artifact_store_id`) REFERENCES `stack_component` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_artifact_version_user_id_user`
    FOREIGN KEY (`user_id`) REFERENCES `user` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_artifact_version_workspace_id_workspace`
    FOREIGN KEY (`workspace_id`) REFERENCES `workspace` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `artifact_visualization` (
  `id`                  char(32) NOT NULL,
  `created`             datetime NOT NULL,
  `updated`             datetime NOT NULL,
  `type`                varchar(255) NOT NULL,
  `uri`                 text NOT NULL,
  `artifact_version_id` char(32) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `fk_artifact_visualization_artifact_version_id_artifact_version` (`artifact_version_id`),
  CONSTRAINT `fk_artifact_visualization_artifact_version_id_artifact_version`
    FOREIGN KEY (`artifact_version_id`) REFERENCES `artifact_version` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `step_run_input_artifact` (
  `name`        varchar(255) NOT NULL,
  `type`        varchar(255) NOT NULL,
  `step_id`     char(32) NOT NULL,
  `artifact_id` char(32) NOT NULL,
  PRIMARY KEY (`name`, `step_id`, `artifact_id`),
  KEY `fk_step_run_input_artifact_step_id_step_run` (`step_id`),
  KEY `fk_step_run_input_artifact_artifact_id_artifact_version` (`artifact_id`),
  CONSTRAINT `fk_step_run_input_artifact_artifact_id_artifact_version`
    FOREIGN KEY (`artifact_id`) REFERENCES `artifact_version` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_step_run_input_artifact_step_id_step_run`
    FOREIGN KEY (`step_id`) REFERENCES `step_run` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `step_run_output_artifact` (
  `name`        varchar(255) NOT NULL,
  `type`        varchar(255) NOT NULL,
  `step_id`     char(32) NOT NULL,
  `artifact_id` char(32) NOT NULL,
  PRIMARY KEY (`step_id`, `artifact_id`),
  KEY `fk_step_run_output_artifact_artifact_id_artifact_version` (`artifact_id`),
  CONSTRAINT `fk_step_run_output_artifact_artifact_id_artifact_version`
    FOREIGN KEY (`artifact_id`) REFERENCES `artifact_version` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_step_run_output_artifact_step_id_step_run`
    FOREIGN KEY (`step_id`) REFERENCES `step_run` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `run_metadata` (
  `id`                 char(32) NOT NULL,
  `created`            datetime NOT NULL,
  `updated`            datetime NOT NULL,
  `resource_id`        char(32) NOT NULL,
  `resource_type`      varchar(255) NOT NULL,
  `stack_component_id` char(32),
  `user_id`            char(32),
  `workspace_id`       char(32) NOT NULL,
  `key`                varchar(255) NOT NULL,
  `value`              text NOT NULL,
  `type`               varchar(255) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `fk_run_metadata_stack_component_id_stack_component` (`stack_component_id`),
  KEY `fk_run_metadata_user_id_user` (`user_id`),
  KEY `fk_run_metadata_workspace_id_workspace` (`workspace_id`),
  CONSTRAINT `fk_run_metadata_stack_component_id_stack_component`
    FOREIGN KEY (`stack_component_id`) REFERENCES `stack_component` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_run_metadata_user_id_user`
    FOREIGN KEY (`user_id`) REFERENCES `user` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_run_metadata_workspace_id_workspace`
    FOREIGN KEY (`workspace_id`) REFERENCES `workspace` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `logs` (
  `id`                char(32) NOT NULL,
  `created`           datetime NOT NULL,
  `updated`           datetime NOT NULL,
  `uri`               text NOT NULL,
  `pipeline_run_id`   char(32),
  `step_run_id`       char(32),
  `artifact_store_id` char(32) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `fk_logs_pipeline_run_id_pipeline_run` (`pipeline_run_id`),
  KEY `fk_logs_step_run_id_step_run` (`step_run_id`),
  KEY `fk_logs_stack_component_id_stack_component` (`artifact_store_id`),
  CONSTRAINT `fk_logs_pipeline_run_id_pipeline_run`
    FOREIGN KEY (`pipeline_run_id`) REFERENCES `pipeline_run` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_logs_stack_component_id_stack_component`
    FOREIGN KEY (`artifact_store_id`) REFERENCES `stack_component` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_logs_step_run_id_step_run`
    FOREIGN KEY (`step_run_id`) REFERENCES `step_run` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

-- Links of models, services, tags

CREATE TABLE IF NOT EXISTS `model_versions_artifacts` (
  `id`                     char(32) NOT NULL,
  `created`                datetime NOT NULL,
  `updated`                datetime NOT NULL,
  `workspace_id`           char(32) NOT NULL,
  `user_id`                char(32),
  `model_id`               char(32) NOT NULL,
  `model_version_id`       char(32) NOT NULL,
  `artifact_version_id`    char(32) NOT NULL,
  `is_model_artifact`      tinyint(1),
  `is_deployment_artifact` tinyint(1),
  PRIMARY KEY (`id`),
  KEY `fk_model_versions_artifacts_workspace_id_workspace` (`workspace_id`),
  KEY `fk_model_versions_artifacts_user_id_user` (`user_id`),
  KEY `fk_model_versions_artifacts_model_id_model` (`model_id`),
  KEY `fk_model_versions_artifacts_model_version_id_model_version` (`model_version_id`),
  KEY `fk_model_versions_artifacts_artifact_version_id_artifact_version` (`artifact_version_id`),
  CONSTRAINT `fk_model_versions_artifacts_artifact_version_id_artifact_version`
    FOREIGN KEY (`artifact_version_id`) REFERENCES `artifact_version` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_model_versions_artifacts_model_id_model`
    FOREIGN KEY (`model_id`) REFERENCES `model` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_model_versions_artifacts_model_version_id_model_version`
    FOREIGN KEY (`model_version_id`) REFERENCES `model_version` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_model_versions_artifacts_user_id_user`
    FOREIGN KEY (`user_id`) REFERENCES `user` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_model_versions_artifacts_workspace_id_workspace`
    FOREIGN KEY (`workspace_id`) REFERENCES `workspace` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `model_versions_runs` (
  `id`               char(32) NOT NULL,
  `created`          datetime NOT NULL,
  `updated`          datetime NOT NULL,
  `workspace_id`     char(32) NOT NULL,
  `user_id`          char(32),
  `model_id`         char(32) NOT NULL,
  `model_version_id` char(32) NOT NULL,
  `pipeline_run_id`  char(32) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `fk_model_versions_runs_workspace_id_workspace` (`workspace_id`),
  KEY `fk_model_versions_runs_user_id_user` (`user_id`),
  KEY `fk_model_versions_runs_model_id_model` (`model_id`),
  KEY `fk_model_versions_runs_model_version_id_model_version` (`model_version_id`),
  KEY `fk_model_versions_runs_pipeline_run_id_pipeline_run` (`pipeline_run_id`),
  CONSTRAINT `fk_model_versions_runs_model_id_model`
    FOREIGN KEY (`model_id`) REFERENCES `model` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_model_versions_runs_model_version_id_model_version`
    FOREIGN KEY (`model_version_id`) REFERENCES `model_version` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_model_versions_runs_pipeline_run_id_pipeline_run`
    FOREIGN KEY (`pipeline_run_id`) REFERENCES `pipeline_run` (`id`) ON DELETE CASCADE,
  CONSTRAINT `fk_model_versions_runs_user_id_user`
    FOREIGN KEY (`user_id`) REFERENCES `user` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_model_versions_runs_workspace_id_workspace`
    FOREIGN KEY (`workspace_id`) REFERENCES `workspace` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `service` (
  `id`                 char(32) NOT NULL,
  `created`            datetime NOT NULL,
  `updated`            datetime NOT NULL,
  `name`               varchar(255) NOT NULL,
  `workspace_id`       char(32) NOT NULL,
  `user_id`            char(32),
  `service_source`     text,
  `service_type`       text NOT NULL,
  `type`               text NOT NULL,
  `flavor`             text NOT NULL,
  `admin_state`        text,
  `state`              text,
  `labels`             blob,
  `config`             blob NOT NULL,
  `status`             blob,
  `endpoint`           blob,
  `prediction_url`     text,
  `health_check_url`   text,
  `pipeline_name`      text,
  `pipeline_step_name` text,
  `model_version_id`   char(32),
  `pipeline_run_id`    char(32),
  PRIMARY KEY (`id`),
  KEY `fk_service_workspace_id_workspace` (`workspace_id`),
  KEY `fk_service_user_id_user` (`user_id`),
  KEY `fk_service_model_version_id_model_version` (`model_version_id`),
  KEY `fk_service_pipeline_run_id_pipeline_run` (`pipeline_run_id`),
  CONSTRAINT `fk_service_model_version_id_model_version`
    FOREIGN KEY (`model_version_id`) REFERENCES `model_version` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_service_pipeline_run_id_pipeline_run`
    FOREIGN KEY (`pipeline_run_id`) REFERENCES `pipeline_run` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_service_user_id_user`
    FOREIGN KEY (`user_id`) REFERENCES `user` (`id`) ON DELETE SET NULL,
  CONSTRAINT `fk_service_workspace_id_workspace`
    FOREIGN KEY (`workspace_id`) REFERENCES `workspace` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `tag` (
  `id`      char(32) NOT NULL,
  `created` datetime NOT NULL,
  `updated` datetime NOT NULL,
  `name`    varchar(255) NOT NULL,
  `color`   varchar(255) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS `tag_resource` (
  `id`            char(32) NOT NULL,
  `created`       datetime NOT NULL,
  `updated`       datetime NOT NULL,
  `tag_id`        char(32) NOT NULL,
  `resource_id`   char(32) NOT NULL,
  `resource_type` varchar(255) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `fk_tag_resource_tag_id_tag` (`tag_id`),
  CONSTRAINT `fk_tag_resource_tag_id_tag`
    FOREIGN KEY (`tag_id`) REFERENCES `tag` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB;
