#include "stack_deployment/stack_deployment.h"

#include "auth/server.h"
#include "auth/token.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/model.h"
#include "resource/filter.h"
#include "resource/stored.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

enum { TOKEN_SECONDS = 6 * 60 * 60 };

static const char *const PROVIDERS[] = {"aws", "gcp", "azure", NULL};
const struct type T_DEPLOYMENT_PROVIDER = {
    .kind = K_ENUM, .label = "str-enum[StackDeploymentProvider]", .words = PROVIDERS};

static const struct field info_fields[] = {{"provider", &T_DEPLOYMENT_PROVIDER, NULL, 0, REQ}};
const struct model DEPLOYMENT_INFO_QUERY = MODEL("stack deployment", info_fields);

static const struct field config_fields[] = {
    {"provider", &T_DEPLOYMENT_PROVIDER, NULL, 0, REQ},
    {"stack_name", &T_STRING, NULL, 0, REQ},
    {"location", &T_STRING, NULL, 0, NUL},
    {"terraform", &T_BOOL, "false", 0, 0},
};
const struct model DEPLOYMENT_CONFIG_QUERY = MODEL("configuration of a stack deployment", config_fields);

static const struct field stack_fields[] = {
    {"provider", &T_DEPLOYMENT_PROVIDER, NULL, 0, REQ},
    {"stack_name", &T_STRING, NULL, 0, REQ},
    {"location", &T_STRING, NULL, 0, NUL},
    {"date_start", &T_STAMP, NULL, 0, NUL},
    {"terraform", &T_BOOL, "false", 0, 0},
};
const struct model DEPLOYMENT_STACK_QUERY = MODEL("stack of a deployment", stack_fields);

/* Providers ------------------------------------------------------------------------------------------------------- */

static const char *const aws_locations[][2] = {
    {"US East (Ohio)", "us-east-2"},
    {"US East (N. Virginia)", "us-east-1"},
    {"US West (N. California)", "us-west-1"},
    {"US West (Oregon)", "us-west-2"},
    {"Africa (Cape Town)", "af-south-1"},
    {"Asia Pacific (Hong Kong)", "ap-east-1"},
    {"Asia Pacific (Hyderabad)", "ap-south-2"},
    {"Asia Pacific (Jakarta)", "ap-southeast-3"},
    {"Asia Pacific (Melbourne)", "ap-southeast-4"},
    {"Asia Pacific (Mumbai)", "ap-south-1"},
    {"Asia Pacific (Osaka)", "ap-northeast-3"},
    {"Asia Pacific (Seoul)", "ap-northeast-2"},
    {"Asia Pacific (Singapore)", "ap-southeast-1"},
    {"Asia Pacific (Sydney)", "ap-southeast-2"},
    {"Asia Pacific (Tokyo)", "ap-northeast-1"},
    {"Canada (Central)", "ca-central-1"},
    {"Canada West (Calgary)", "ca-west-1"},
    {"Europe (Frankfurt)", "eu-central-1"},
    {"Europe (Ireland)", "eu-west-1"},
    {"Europe (London)", "eu-west-2"},
    {"Europe (Milan)", "eu-south-1"},
    {"Europe (Paris)", "eu-west-3"},
    {"Europe (Spain)", "eu-south-2"},
    {"Europe (Stockholm)", "eu-north-1"},
    {"Europe (Zurich)", "eu-central-2"},
    {"Israel (Tel Aviv)", "il-central-1"},
    {"Middle East (Bahrain)", "me-south-1"},
    {"Middle East (UAE)", "me-central-1"},
    {"South America (S\303\243o Paulo)", "sa-east-1"},
};

static const char *const gcp_locations[][2] = {
    {"Africa (Johannesburg)", "africa-south1"},
    {"Asia Pacific (Taiwan)", "asia-east1"},
    {"Asia Pacific (Hong Kong)", "asia-east2"},
    {"Asia Pacific (Tokyo)", "asia-northeast1"},
    {"Asia Pacific (Osaka)", "asia-northeast2"},
    {"Asia Pacific (Seoul)", "asia-northeast3"},
    {"Asia Pacific (Mumbai)", "asia-south1"},
    {"Asia Pacific (Delhi)", "asia-south2"},
    {"Asia Pacific (Singapore)", "asia-southeast1"},
    {"Asia Pacific (Jakarta)", "asia-southeast2"},
    {"Australia (Sydney)", "australia-southeast1"},
    {"Australia (Melbourne)", "australia-southeast2"},
    {"Europe (Belgium)", "europe-west1"},
    {"Europe (London)", "europe-west2"},
    {"Europe (Frankfurt)", "europe-west3"},
    {"Europe (Netherlands)", "europe-west4"},
    {"Europe (Zurich)", "europe-west6"},
    {"Europe (Milan)", "europe-west8"},
    {"Europe (Paris)", "europe-west9"},
    {"Europe (Berlin)", "europe-west10"},
    {"Europe (Turin)", "europe-west12"},
    {"Europe (Warsaw)", "europe-central2"},
    {"Europe (Finland)", "europe-north1"},
    {"Europe (Madrid)", "europe-southwest1"},
    {"Middle East (Doha)", "me-central1"},
    {"Middle East (Dubai)", "me-central2"},
    {"Middle East (Tel Aviv)", "me-west1"},
    {"North America (Montreal)", "northamerica-northeast1"},
    {"North America (Toronto)", "northamerica-northeast2"},
    {"South America (Sao Paulo)", "southamerica-east1"},
    {"South America (Santiago)", "southamerica-west1"},
    {"US Central (Iowa)", "us-central1"},
    {"US East (South Carolina)", "us-east1"},
    {"US East (Northern Virginia)", "us-east4"},
    {"US East (Columbus)", "us-east5"},
    {"US South (Dallas)", "us-south1"},
    {"US West (Oregon)", "us-west1"},
    {"US West (Los Angeles)", "us-west2"},
    {"US West (Salt Lake City)", "us-west3"},
    {"US West (Las Vegas)", "us-west4"},
};

static const char *const azure_locations[][2] = {
    {"(US) East US", "eastus"},
    {"(US) South Central US", "southcentralus"},
    {"(US) West US 2", "westus2"},
    {"(US) West US 3", "westus3"},
    {"(Asia Pacific) Australia East", "australiaeast"},
    {"(Asia Pacific) Southeast Asia", "southeastasia"},
    {"(Europe) North Europe", "northeurope"},
    {"(Europe) Sweden Central", "swedencentral"},
    {"(Europe) UK South", "uksouth"},
    {"(Europe) West Europe", "westeurope"},
    {"(US) Central US", "centralus"},
    {"(Africa) South Africa North", "southafricanorth"},
    {"(Asia Pacific) Central India", "centralindia"},
    {"(Asia Pacific) East Asia", "eastasia"},
    {"(Asia Pacific) Japan East", "japaneast"},
    {"(Asia Pacific) Korea Central", "koreacentral"},
    {"(Canada) Canada Central", "canadacentral"},
    {"(Europe) France Central", "francecentral"},
    {"(Europe) Germany West Central", "germanywestcentral"},
    {"(Europe) Italy North", "italynorth"},
    {"(Europe) Norway East", "norwayeast"},
    {"(Europe) Poland Central", "polandcentral"},
    {"(Europe) Spain Central", "spaincentral"},
    {"(Europe) Switzerland North", "switzerlandnorth"},
    {"(Mexico) Mexico Central", "mexicocentral"},
    {"(Middle East) UAE North", "uaenorth"},
    {"(South America) Brazil South", "brazilsouth"},
    {"(Middle East) Israel Central", "israelcentral"},
    {"(Middle East) Qatar Central", "qatarcentral"},
    {"(US) Central US (Stage)", "centralusstage"},
    {"(US) East US (Stage)", "eastusstage"},
    {"(US) East US 2 (Stage)", "eastus2stage"},
    {"(US) North Central US (Stage)", "northcentralusstage"},
    {"(US) South Central US (Stage)", "southcentralusstage"},
    {"(US) West US (Stage)", "westusstage"},
    {"(US) West US 2 (Stage)", "westus2stage"},
    {"(Asia Pacific) East Asia (Stage)", "eastasiastage"},
    {"(Asia Pacific) Southeast Asia (Stage)", "southeastasiastage"},
    {"(South America) Brazil US", "brazilus"},
    {"(US) East US 2", "eastus2"},
    {"(US) East US STG", "eastusstg"},
    {"(US) North Central US", "northcentralus"},
    {"(US) West US", "westus"},
    {"(Asia Pacific) Japan West", "japanwest"},
    {"(Asia Pacific) Jio India West", "jioindiawest"},
    {"(US) Central US EUAP", "centraluseuap"},
    {"(US) East US 2 EUAP", "eastus2euap"},
    {"(US) West Central US", "westcentralus"},
    {"(Africa) South Africa West", "southafricawest"},
    {"(Asia Pacific) Australia Central", "australiacentral"},
    {"(Asia Pacific) Australia Central 2", "australiacentral2"},
    {"(Asia Pacific) Australia Southeast", "australiasoutheast"},
    {"(Asia Pacific) Jio India Central", "jioindiacentral"},
    {"(Asia Pacific) Korea South", "koreasouth"},
    {"(Asia Pacific) South India", "southindia"},
    {"(Asia Pacific) West India", "westindia"},
    {"(Canada) Canada East", "canadaeast"},
    {"(Europe) France South", "francesouth"},
    {"(Europe) Germany North", "germanynorth"},
    {"(Europe) Norway West", "norwaywest"},
    {"(Europe) Switzerland West", "switzerlandwest"},
    {"(Europe) UK West", "ukwest"},
    {"(Middle East) UAE Central", "uaecentral"},
    {"(South America) Brazil Southeast", "brazilsoutheast"},
};

/* Names of permissions, and what belongs to each. */
struct permission {
    const char *name, *of[13];
};

static const struct permission aws_permissions[] = {
    {"S3 Bucket", {"s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"}},
    {"ECR Repository",
     {"ecr:DescribeRepositories", "ecr:ListRepositories", "ecr:DescribeRegistry", "ecr:BatchGetImage",
      "ecr:DescribeImages", "ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload",
      "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage", "ecr:GetAuthorizationToken"}},
    {"SageMaker (Client)",
     {"sagemaker:CreatePipeline", "sagemaker:StartPipelineExecution", "sagemaker:DescribePipeline",
      "sagemaker:DescribePipelineExecution"}},
    {"SageMaker (Jobs)", {"AmazonSageMakerFullAccess"}},
};

static const struct permission gcp_permissions[] = {
    {"GCS Bucket", {"roles/storage.objectUser"}},
    {"GCP Artifact Registry", {"roles/artifactregistry.createOnPushWriter"}},
    {"Vertex AI (Client)", {"roles/aiplatform.user"}},
    {"Vertex AI (Jobs)", {"roles/aiplatform.serviceAgent"}},
    {"Cloud Build (Client)", {"roles/cloudbuild.builds.editor"}},
};

static const struct permission azure_permissions[] = {
    {"Storage Account", {"Storage Blob Data Contributor"}},
    {"Container Registry", {"AcrPull", "AcrPush", "Contributor"}},
    {"AzureML Workspace", {"AzureML Compute Operator", "AzureML Data Scientist"}},
};

struct provider {
    const char *name, *deployment; /* how its own tool is called in the labels of stacks */
    const char *description, *instructions, *afterwards;
    const char *integrations[3];
    const struct permission *permissions;
    size_t permission_count;
    const char *const (*locations)[2]; /* what people call it, and the name */
    size_t location_count;
    bool (*on_machines)(const char *label, const char *name); /* whether machines are rented there by default */
    const char *region_key, *default_region;                  /* in the Terraform module */
    const char *module_before, *module_after;                 /* lines around the region */
};

static bool everywhere(const char *label, const char *name)
{
    (void)label;
    (void)name;
    return true;
}

static bool in_us_of_gcp(const char *label, const char *name)
{
    (void)label;
    return starts_with(name, "us-");
}

/* The regions for everybody: others of the United States have more behind `us` and its number. */
static bool in_us_of_azure(const char *label, const char *name)
{
    size_t len = strlen(name);
    while (len && isdigit((unsigned char)name[len - 1]))
        len--;
    return strstr(label, "(US)") && len >= 2 && name[len - 2] == 'u' && name[len - 1] == 's';
}

static const struct provider ALL[] = {
    {
        .name = "aws",
        .deployment = "cloud-formation",
        .description = "\nThis makes a stack on **AWS** for you, with one CloudFormation stack in your own account. It "
                       "consists of:\n\n"
                       "* an S3 bucket, which becomes the artifact store\n"
                       "* an ECR repository, which becomes the container registry\n"
                       "* CodeBuild and SageMaker, on which pipelines run: SageMaker becomes the orchestrator\n"
                       "* an IAM user with an access key, and an IAM role that it may assume. They have just the "
                       "permissions listed here, and the service connector uses them\n\n"
                       "What these services cost is charged to your account.\n",
        .instructions = "\nYou go to the AWS console, where a CloudFormation stack is filled in already. Sign in, look "
                        "through the parameters, confirm that IAM resources may be made, and press **Create stack**. "
                        "When it is complete, in a few minutes, the stack is registered here.\n",
        .afterwards = "\nThe AWS resources belong to the CloudFormation stack. To take them away, empty the S3 bucket "
                      "and delete the CloudFormation stack in the AWS console.\n",
        .integrations = {"aws", "s3"},
        .permissions = aws_permissions,
        .permission_count = ARRAY_LEN(aws_permissions),
        .locations = aws_locations,
        .location_count = ARRAY_LEN(aws_locations),
        .on_machines = everywhere,
        .region_key = "region",
        .default_region = "eu-central-1",
        .module_before = "",
        .module_after = "",
    },
    {
        .name = "gcp",
        .deployment = "deployment-manager",
        .description = "\nThis makes a stack on **Google Cloud** for you, with Deployment Manager in a project of your "
                       "own. It consists of:\n\n"
                       "* a GCS bucket, which becomes the artifact store\n"
                       "* a repository of Artifact Registry, which becomes the container registry\n"
                       "* Vertex AI, which becomes the orchestrator, and Cloud Build, which builds images\n"
                       "* a service account with just the permissions listed here, and a key, which the service "
                       "connector uses\n\n"
                       "What these services cost is charged to your project.\n",
        .instructions = "\nYou go to Cloud Shell, where a guide leads through the deployment: choose the project, fill "
                        "in the values that are shown here, and start the script. When it has ended, in a few minutes, "
                        "the stack is registered here.\n",
        .afterwards = "\nThe resources belong to the deployment. To take them away, empty the GCS bucket and delete "
                      "the deployment in Deployment Manager.\n",
        .integrations = {"gcp"},
        .permissions = gcp_permissions,
        .permission_count = ARRAY_LEN(gcp_permissions),
        .locations = gcp_locations,
        .location_count = ARRAY_LEN(gcp_locations),
        .on_machines = in_us_of_gcp,
        .region_key = "region",
        .default_region = "europe-west3",
        .module_before = "    project_id = \"my-gcp-project\"\n",
        .module_after = "",
    },
    {
        .name = "azure",
        .deployment = "azure-cloud-shell",
        .description =
            "\nThis makes a stack on **Azure** for you, with a Terraform module that runs in Cloud Shell, in "
            "a resource group of its own. It consists of:\n\n"
            "* a storage account with a blob container, which becomes the artifact store\n"
            "* a registry of ACR, which becomes the container registry\n"
            "* a workspace of AzureML, which becomes the orchestrator\n"
            "* a service principal with just the permissions listed here, and a secret, which the service "
            "connector uses\n\n"
            "What these services cost is charged to your subscription.\n",
        .instructions = "\nYou go to Cloud Shell in the Azure portal, where Terraform is installed. Put the "
                        "configuration that is shown here into a file and apply it. When that has ended, in a few "
                        "minutes, the stack is registered here.\n",
        .afterwards = "\nThe resources belong to the resource group. To take them away, run `terraform destroy` where "
                      "you applied the configuration.\n",
        .integrations = {"azure"},
        .permissions = azure_permissions,
        .permission_count = ARRAY_LEN(azure_permissions),
        .locations = azure_locations,
        .location_count = ARRAY_LEN(azure_locations),
        .on_machines = in_us_of_azure,
        .region_key = "location",
        .default_region = "eastus",
        .module_before = "",
        .module_after = "    orchestrator = \"azureml\"\n",
    },
};

static const struct provider *wanted_provider(const struct ctx *c)
{
    const char *name = member_str(c->query, "provider");
    for (size_t i = 0; i < ARRAY_LEN(ALL); i++)
        if (streq(ALL[i].name, name))
            return &ALL[i];
    return &ALL[0];
}

/* What to expect --------------------------------------------------------------------------------------------------- */

static void write_list(struct jw *w, const char *key, const char *const *words)
{
    jw_key_open(w, key, '[');
    for (; *words; words++)
        jw_str(w, *words);
    jw_close(w, ']');
}

static void write_locations(struct jw *w, const char *key, const struct provider *p, bool all)
{
    jw_key_open(w, key, '{');
    for (size_t i = 0; i < p->location_count; i++)
        if (all || p->on_machines(p->locations[i][0], p->locations[i][1]))
            jw_key_str(w, p->locations[i][0], p->locations[i][1]);
    jw_close(w, '}');
}

int deployment_info(struct ctx *c)
{
    const struct provider *p = wanted_provider(c);
    struct jw w = respond_json(c);
    jw_open(&w, '{');
    jw_key_str(&w, "provider", p->name);
    jw_key_str(&w, "description", p->description);
    jw_key_str(&w, "instructions", p->instructions);
    jw_key_str(&w, "post_deploy_instructions", p->afterwards);
    write_list(&w, "integrations", p->integrations);
    jw_key_open(&w, "permissions", '{');
    for (size_t i = 0; i < p->permission_count; i++)
        write_list(&w, p->permissions[i].name, p->permissions[i].of);
    jw_close(&w, '}');
    write_locations(&w, "locations", p, true);
    write_locations(&w, "skypilot_default_regions", p, false);
    jw_close(&w, '}');
    return OK;
}

/* What to start ---------------------------------------------------------------------------------------------------- */

/* What the cloud needs to report back: what the caller may do, for some hours. */
struct access_data {
    const char *name, *location, *url, *token;
};

static int report_token(struct ctx *c, const char **out)
{
    const struct auth *auth = c->auth;
    const char *server_id;
    if (!auth->token)
        return fail(c, EX_RUNTIME, "A stack is deployed with the token of who asks for it: sign in with one");
    const struct token t = {.subject = auth->user_id,
                            .device_id = auth->device_id,
                            .api_key_id = auth->api_key_id,
                            .pipeline_id = auth->pipeline_id,
                            .schedule_id = auth->schedule_id,
                            .claims = auth->claims,
                            .expires = (int64_t)time(NULL) + TOKEN_SECONDS};
    TRY(server_id_of(c, &server_id));
    *out = token_encode(c->mem, &t, server_id);
    return *out ? OK : fail(c, EX_RUNTIME, "The server has no signing key");
}

static const char *terraform(struct arena *a, const struct provider *p, const struct access_data *d,
                             const char *deployment)
{
    return arena_printf(a,
                        "module \"zenml_stack\" {\n"
                        "    source  = \"zenml-io/zenml-stack/%s\"\n"
                        "\n"
                        "%s    %s = \"%s\"\n%s"
                        "    zenml_server_url = \"%s\"\n"
                        "    zenml_api_key = \"\"\n"
                        "    zenml_api_token = \"%s\"\n"
                        "    zenml_stack_name = \"%s\"\n"
                        "    zenml_stack_deployment = \"%s\"\n"
                        "}\n"
                        "output \"zenml_stack_id\" {\n"
                        "    value = module.zenml_stack.zenml_stack_id\n"
                        "}\n"
                        "output \"zenml_stack_name\" {\n"
                        "    value = module.zenml_stack.zenml_stack_name\n"
                        "}",
                        p->name, p->module_before, p->region_key, d->location ? d->location : p->default_region,
                        p->module_after, d->url, d->token, d->name, deployment);
}

static const char *console_url(struct arena *a, const struct access_data *d)
{
    char letters[7];
    random_letters(letters, 6);
    const char *region = d->location ? arena_printf(a, "region=%s", d->location) : "";
    return arena_printf(a,
                        "https://console.aws.amazon.com/cloudformation/home?%s#/stacks/create/review?stackName=%s"
                        "&templateURL=https://zenml-cf-templates.s3.eu-central-1.amazonaws.com/"
                        "aws-ecr-s3-sagemaker.yaml&param_ResourceName=zenml-%s&param_ZenMLServerURL=%s"
                        "&param_ZenMLServerAPIToken=%s",
                        region, d->name, letters, d->url, d->token);
}

static void write_config(struct ctx *c, const char *url, const char *text, const char *configuration,
                         const char *instructions)
{
    struct jw w = respond_json(c);
    jw_open(&w, '{');
    jw_key_str(&w, "deployment_url", url);
    jw_key_str(&w, "deployment_url_text", text);
    jw_key_str(&w, "configuration", configuration);
    jw_key_str(&w, "instructions", instructions);
    jw_close(&w, '}');
}

static void write_aws(struct ctx *c, const struct access_data *d, const char *module)
{
    write_config(c, console_url(c->mem, d), "AWS CloudFormation Console", module, NULL);
}

static void write_gcp(struct ctx *c, const struct provider *p, const struct access_data *d, const char *module)
{
    const char *values = arena_printf(c->mem,
                                      "\n### BEGIN CONFIGURATION ###\n"
                                      "ZENML_STACK_NAME=%s\n"
                                      "ZENML_STACK_REGION=%s\n"
                                      "ZENML_SERVER_URL=%s\n"
                                      "ZENML_SERVER_API_TOKEN=%s\n"
                                      "### END CONFIGURATION ###",
                                      d->name, d->location ? d->location : p->default_region, d->url, d->token);
    write_config(c,
                 "https://shell.cloud.google.com/cloudshell/editor?cloudshell_git_repo=https://github.com/zenml-io/"
                 "zenml&cloudshell_workspace=infra/gcp&cloudshell_open_in_editor=gcp-gar-gcs-vertex.jinja,"
                 "gcp-gar-gcs-vertex-deploy.sh&cloudshell_tutorial=gcp-gar-gcs-vertex.md&ephemeral=true",
                 "GCP Cloud Shell Console", module ? module : values,
                 "The guide in Cloud Shell will ask for the values below.");
}

static void write_azure(struct ctx *c, const char *module)
{
    write_config(c, "https://shell.azure.com", "Azure Cloud Shell Console", module,
                 "1. Open Cloud Shell.\n"
                 "2. Make a file named `main.tf` with the configuration below.\n"
                 "3. Run `terraform init --upgrade`, which fetches the module.\n"
                 "4. Run `terraform apply` and confirm what it is going to make.");
}

static const char *deployment_of(const struct ctx *c, const struct provider *p)
{
    return member_bool(c->query, "terraform") ? "terraform" : p->deployment;
}

int deployment_config(struct ctx *c)
{
    const struct provider *p = wanted_provider(c);
    const char *host = request_header(c, "HTTP_HOST"), *location = member_str(c->query, "location"), *module = NULL;
    struct access_data d = {
        .name = member_str(c->query, "stack_name"),
        .location = location && *location ? location : NULL,
        .url = arena_printf(c->mem, "https://%s", host ? host : ""),
    };
    TRY(report_token(c, &d.token));
    if (member_bool(c->query, "terraform") || streq(p->name, "azure"))
        module = terraform(c->mem, p, &d, deployment_of(c, p));
    if (streq(p->name, "aws"))
        write_aws(c, &d, module);
    else if (streq(p->name, "gcp"))
        write_gcp(c, p, &d, module);
    else
        write_azure(c, module);
    return OK;
}

/* Whether it has come ---------------------------------------------------------------------------------------------- */

/* Times here are compared with those of the database, which have no zone; numbers count as UTC. */
static bool names_zone(const char *date)
{
    return !date[strspn(date, "0123456789.-+")] ? !strchr(date + 1, '-')
                                                : strlen(date) > 10 && strpbrk(date + 10, "Zz+-");
}

static bool is_deployed(struct ctx *c, const struct db_value *row, const struct provider *p)
{
    struct span text = {row[1].s, row[1].len};
    const struct origin of = {"stack", row[0].s, "labels"};
    struct json_object *labels = row[1].s ? stored_base64_tree(c->mem, text, json_type_object, of) : NULL;
    return row[2].s && streq(member_str(labels, "zenml:provider"), p->name) &&
           streq(member_str(labels, "zenml:deployment"), deployment_of(c, p));
}

static int write_deployed(struct ctx *c, const char *stack, const char *connector)
{
    struct view *v = view_new(c);
    struct row *row;
    TRY(view_row(v, &resource_stack, D_META, stack, &row));
    view_request(v, &resource_connector, connector);
    TRY(view_load(v));
    struct jw w = respond_json(c);
    jw_open(&w, '{');
    jw_key(&w, "stack");
    view_write(v, &w, row, D_META);
    jw_key(&w, "service_connector");
    view_write_ref(v, &w, &resource_connector, connector);
    jw_close(&w, '}');
    return OK;
}

int deployment_stack(struct ctx *c)
{
    const struct provider *p = wanted_provider(c);
    const struct pair *given = request_query(c, "date_start");
    const char *since = member_str(c->query, "date_start");
    struct db_rows newest;
    if (since && names_zone(given->value))
        return fail(c, EX_INVALID_VALUE, "date_start is a time without zone, in UTC");
    TRY(sql(c, &newest,
            "SELECT t.id, t.labels, (SELECT k.connector_id FROM stack_composition x JOIN stack_component k ON k.id = "
            "x.component_id WHERE x.stack_id = t.id AND k.type = 'artifact_store' ORDER BY x.component_id DESC LIMIT "
            "1) FROM stack t WHERE t.created > ? ORDER BY t.created DESC, t.kanso_order DESC LIMIT 50",
            p_text(since ? since : "0001-01-01 00:00:00")));
    for (size_t i = 0; i < newest.count; i++)
        if (is_deployed(c, db_row(&newest, i), p))
            return write_deployed(c, db_row(&newest, i)[0].s, db_row(&newest, i)[2].s);
    return respond_null(c);
}
