/* Classify texts with one exported file that takes text, in C, without edgetext.
 *
 * To install, compile and run, on Debian 13 and later:
 *
 *     apt install gcc libonnxruntime-dev
 *     cc -O2 -I/usr/include/onnxruntime onnx_text.c -o onnx_text -lonnxruntime
 *     ./onnx_text model.dynamic_wi8_text.onnx "great movie" "terrible movie"
 *
 * Debian 13's library always writes thousands of lines of "Schema error" to standard error; they are harmless, and
 * other builds do not. Any libonnxruntime.so that is as new as the headers works, such as the one in npm's
 * onnxruntime-node: replace -lonnxruntime by its path and -Wl,-rpath,FOLDER.
 */
#include <onnxruntime_c_api.h>
#include <stdio.h>
#include <stdlib.h>

static const OrtApi *ort;

/* Every call returns a status, which is NULL on success. */
#define CHECK(call)                                                                                                    \
    do {                                                                                                               \
        OrtStatus *status = (call);                                                                                    \
        if (status) {                                                                                                  \
            fprintf(stderr, "error: %s\n", ort->GetErrorMessage(status));                                              \
            exit(2);                                                                                                   \
        }                                                                                                              \
    } while (0)

static OrtSession *load(const char *path)
{
    OrtEnv *env;
    OrtSessionOptions *options;
    OrtSession *session;
    setenv("ORT_DISABLE_TELEMETRY", "1", 0); /* or 1.32 looks up a host of its vendor */
    ort = OrtGetApiBase()->GetApi(ORT_API_VERSION);
    if (!ort) {
        fprintf(stderr, "error: libonnxruntime %s is older than its headers\n", OrtGetApiBase()->GetVersionString());
        exit(2);
    }
    CHECK(ort->CreateEnv(ORT_LOGGING_LEVEL_FATAL, "edgetext", &env));
    CHECK(ort->CreateSessionOptions(&options));
    CHECK(ort->SetIntraOpNumThreads(options, 1)); /* the models are too small to gain from more */
    CHECK(ort->CreateSession(env, path, options, &session));
    return session;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s FILE TEXT...\n", argv[0]);
        return 2;
    }
    OrtSession *session = load(argv[1]);
    const char *inputs[] = {"text"}, *outputs[] = {"label", "probabilities"};
    const char *const *texts = (const char *const *)argv + 2; /* in UTF-8 */
    const int64_t batch = argc - 2;
    OrtAllocator *allocator;
    OrtValue *input, *found[2] = {NULL, NULL};
    CHECK(ort->GetAllocatorWithDefaultOptions(&allocator));
    CHECK(ort->CreateTensorAsOrtValue(allocator, &batch, 1, ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING, &input));
    CHECK(ort->FillStringTensor(input, texts, batch));
    CHECK(ort->Run(session, NULL, inputs, (const OrtValue *const *)&input, 1, outputs, 2, found));

    OrtTensorTypeAndShapeInfo *info;
    size_t count, size;
    float *row; /* the probabilities of a text, one per label */
    CHECK(ort->GetTensorTypeAndShape(found[1], &info));
    CHECK(ort->GetTensorShapeElementCount(info, &count));
    CHECK(ort->GetTensorMutableData(found[1], (void **)&row));
    for (int64_t i = 0; i < batch; i++, row += count / batch) {
        char label[256];
        float best = 0;
        for (size_t j = 0; j < count / batch; j++) best = row[j] > best ? row[j] : best;
        CHECK(ort->GetStringTensorElementLength(found[0], i, &size));
        CHECK(ort->GetStringTensorElement(found[0], sizeof label, i, label));
        printf("%.*s\t%.6f\t%s\n", (int)size, label, best, texts[i]);
    }
    return 0;
}
