#include "template/image.h"

#include "base/buf.h"
#include "base/text.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

/* What an integration needs: packages of pip and of apt, each ended by NULL. */
static const struct integration {
    const char *name;
    const char *const *pip, *const *apt;
} INTEGRATIONS[] = {
    {"argilla", LIST("argilla>=1.20.0,<2"), NULL},
    {"aws", LIST("sagemaker>=2.117.0", "kubernetes", "aws-profile-manager"), NULL},
    {"azure",
     LIST("adlfs>=2021.10.0", "azure-keyvault-keys", "azure-keyvault-secrets", "azure-identity", "azureml-core==1.56.0",
          "azure-mgmt-containerservice>=20.0.0", "azure-storage-blob==12.17.0", "kubernetes", "azure-ai-ml==1.18.0"),
     NULL},
    {"bentoml", LIST("bentoml>=1.0.10"), NULL},
    {"comet", LIST("comet-ml>=3.0.0"), NULL},
    {"databricks", LIST("databricks-sdk==0.28.0", "numpy<2.0.0", "pandas>=2.0.0"), NULL},
    {"deepchecks",
     LIST("deepchecks[vision]>=0.18.0", "torchvision>=0.14.0", "opencv-python==4.5.5.64",
          "opencv-python-headless==4.5.5.64", "tenacity!=8.4.0", "pandas<2.2.0", "pandas>=2.0.0"),
     LIST("ffmpeg", "libsm6", "libxext6")},
    {"discord", LIST("discord.py>=2.3.2", "aiohttp>=3.8.1", "asyncio"), NULL},
    {"evidently", LIST("evidently>=0.4.16,<=0.4.22", "tenacity!=8.4.0", "pandas>=2.0.0"), NULL},
    {"feast", LIST("feast", "click>=8.0.1,<8.1.4", "pandas>=2.0.0"), NULL},
    {"gcp",
     LIST("kfp>=2.6.0", "gcsfs", "google-cloud-secret-manager", "google-cloud-container>=2.21.0",
          "google-cloud-artifact-registry>=1.11.3", "google-cloud-storage>=2.9.0", "google-cloud-aiplatform>=1.34.0",
          "google-cloud-build>=3.11.0", "kubernetes"),
     NULL},
    {"great_expectations", LIST("great-expectations>=0.17.15,<1.0", "pandas>=2.0.0"), NULL},
    {"huggingface",
     LIST("datasets", "huggingface_hub>0.19.0", "accelerate", "bitsandbytes>=0.41.3", "peft", "fsspec<=2023.12.0",
          "transformers", "pandas>=2.0.0"),
     NULL},
    {"hyperai", LIST("paramiko>=3.4.0"), NULL},
    {"kubeflow", LIST("kfp>=2.6.0", "kfp-kubernetes>=1.1.0"), NULL},
    {"kubernetes", LIST("kubernetes>=21.7,<26"), NULL},
    {"label_studio", LIST("label-studio-sdk>=1.0.0"), NULL},
    {"lightning", LIST("lightning-sdk"), NULL},
    {"mlflow",
     LIST("mlflow>=2.1.1,<3", "python-rapidjson<1.15", "pydantic>=2.8.0,<2.9.0", "mlserver>=1.3.3",
          "mlserver-mlflow>=1.3.3", "numpy<2.0.0", "pandas>=2.0.0"),
     NULL},
    {"neptune", LIST("neptune"), NULL},
    {"pigeon", LIST("ipywidgets>=8.0.0"), NULL},
    {"prodigy", LIST("prodigy", "urllib3<2"), NULL},
    {"s3", LIST("s3fs>2022.3.0", "boto3", "aws-profile-manager"), NULL},
    {"seldon", LIST("kubernetes==18.20.0", "numpy<2.0.0"), NULL},
    {"skypilot_aws", LIST("skypilot[aws]~=0.6.0"), LIST("openssh-client", "rsync")},
    {"skypilot_azure", LIST("skypilot[azure]>=0.6.1"), LIST("openssh-client", "rsync")},
    {"skypilot_gcp", LIST("skypilot[gcp]~=0.6.0"), LIST("openssh-client", "rsync")},
    {"skypilot_lambda", LIST("skypilot[lambda]~=0.6.0"), NULL},
    {"slack", LIST("slack-sdk>=3.16.1", "aiohttp>=3.8.1"), NULL},
    {"spark", LIST("pyspark==3.2.1"), NULL},
    {"tekton", LIST("kfp>=2.6.0", "kfp-kubernetes>=1.1.0"), NULL},
    {"wandb", LIST("wandb>=0.12.12", "Pillow>=9.1.0"), NULL},
    {"whylogs", LIST("whylogs[viz]~=1.0.5", "whylogs[whylabs]~=1.0.5", "pandas>=2.0.0"), NULL},
};

/* The integration that a flavor's source is part of, NULL when it is none or needs nothing. */
static const struct integration *integration_of(const char *source)
{
    static const char prefix[] = "zenml.integrations.";
    if (!source || !starts_with(source, prefix))
        return NULL;
    const char *name = source + sizeof prefix - 1;
    size_t len = strcspn(name, ".");
    for (size_t i = 0; i < ARRAY_LEN(INTEGRATIONS); i++)
        if (strlen(INTEGRATIONS[i].name) == len && memcmp(INTEGRATIONS[i].name, name, len) == 0)
            return &INTEGRATIONS[i];
    return NULL;
}

/* A set of texts. */
struct set {
    const char **texts;
    size_t count, room;
};

static void set_add(struct arena *a, struct set *s, const char *text)
{
    for (size_t i = 0; i < s->count; i++)
        if (streq(s->texts[i], text))
            return;
    s->texts = arena_grow(a, s->texts, s->count, &s->room, sizeof *s->texts);
    s->texts[s->count++] = text;
}

/* A line of the Dockerfile that installs what is in the set; none when that is empty. */
static void add_line(struct buf *to, const char *command, struct set *s)
{
    if (!s->count)
        return;
    qsort(s->texts, s->count, sizeof *s->texts, text_order);
    buf_addf(to, "\nRUN %s", command);
    for (size_t i = 0; i < s->count; i++)
        buf_addf(to, " '%s'", s->texts[i]);
}

/* Whether a text can be part of an image's tag: a build says its versions itself, and nothing but a version must get
 * into a file that is executed. */
static bool is_version(const char *s)
{
    enum { LONGEST = 64 };
    size_t len = strspn(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-");
    return len > 0 && len <= LONGEST && s[len] == '\0' && isalnum((unsigned char)s[0]);
}

/* "3.10.12" is "3.10"; NULL for what is no version. */
static const char *major_minor(struct arena *a, const char *version)
{
    size_t major = strspn(version, "0123456789");
    if (!is_version(version) || !major)
        return NULL;
    size_t minor = version[major] == '.' ? strspn(version + major + 1, "0123456789") : 0;
    return minor ? arena_strndup(a, version, major + 1 + minor) : arena_printf(a, "%.*s.0", (int)major, version);
}

const char *image_dockerfile(struct arena *a, const char *const *sources, size_t count, const char *zenml_version,
                             const char *python_version, const char **why)
{
    struct set pip = {0}, apt = {0};
    struct buf text = {0};
    const char *python = python_version ? major_minor(a, python_version) : IMAGE_PYTHON;
    if (!is_version(zenml_version) || !python) {
        *why = arena_printf(a, "The build's version of %s is not one: %s", python ? "ZenML" : "Python",
                            python ? zenml_version : python_version);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        const struct integration *x = integration_of(sources[i]);
        for (const char *const *p = x ? x->pip : NULL; p && *p; p++)
            set_add(a, &pip, *p);
        for (const char *const *p = x ? x->apt : NULL; p && *p; p++)
            set_add(a, &apt, *p);
    }
    buf_addf(&text, "FROM zenmldocker/zenml:%s-py%s", zenml_version, python);
    add_line(&text, "apt-get update && apt-get install -y --no-install-recommends", &apt);
    add_line(&text, "pip install --default-timeout=60 --no-cache-dir", &pip);
    const char *dockerfile = arena_strndup(a, text.data, text.len);
    buf_free(&text);
    return dockerfile;
}

const char *image_md5(struct arena *a, const char *text, size_t len)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (EVP_Digest(text, len, digest, &n, EVP_md5(), NULL) != 1)
        return NULL;
    return hex_encode(a, digest, n);
}
