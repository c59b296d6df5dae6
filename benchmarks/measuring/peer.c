/* What interop.py has a C program do: score or time texts with a lone file that takes text, through ONNX Runtime.
 *
 *     peer FILE about
 *     peer FILE score TEXTS
 *     peer FILE time TEXTS
 *
 * TEXTS is a file: for each text its length in bytes, as decimal digits, a line feed, and its bytes in UTF-8. Answers
 * are as in program.py. It loads the file as the example does, of which it is made: compile it like that one.
 */
#define main example_main
#include "../../runtime/examples/onnx_text.c"
#undef main
#include <string.h>
#include <time.h>

#define WARM_UP 200 /* texts that are classified before the first that is timed */

struct text {
    char *bytes;
    size_t size;
};

/* Classify a text: outputs are its label and its probabilities, to be released. */
static void classify(OrtSession *session, const struct text *text, OrtValue *outputs[2])
{
    const char *inputs[] = {"text"}, *names[] = {"label", "probabilities"};
    const int64_t one = 1;
    OrtAllocator *allocator;
    OrtValue *input;
    char *buffer;
    CHECK(ort->GetAllocatorWithDefaultOptions(&allocator));
    CHECK(ort->CreateTensorAsOrtValue(allocator, &one, 1, ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING, &input));
    /* Not FillStringTensor, to which a text ends at a NUL. */
    CHECK(ort->GetResizedStringTensorElementBuffer(input, 0, text->size, &buffer));
    memcpy(buffer, text->bytes, text->size);
    outputs[0] = outputs[1] = NULL;
    CHECK(ort->Run(session, NULL, inputs, (const OrtValue *const *)&input, 1, names, 2, outputs));
    ort->ReleaseValue(input);
}

static void release(OrtValue *outputs[2])
{
    ort->ReleaseValue(outputs[0]);
    ort->ReleaseValue(outputs[1]);
}

/* Print a text's label and probabilities as JSON. */
static void print_answer(OrtValue *outputs[2])
{
    char label[256];
    float *row;
    size_t count, size;
    OrtTensorTypeAndShapeInfo *info;
    CHECK(ort->GetStringTensorElementLength(outputs[0], 0, &size));
    CHECK(ort->GetStringTensorElement(outputs[0], sizeof label, 0, label));
    CHECK(ort->GetTensorTypeAndShape(outputs[1], &info));
    CHECK(ort->GetTensorShapeElementCount(info, &count));
    CHECK(ort->GetTensorMutableData(outputs[1], (void **)&row));
    ort->ReleaseTensorTypeAndShapeInfo(info);
    printf("[\"");
    for (size_t i = 0; i < size; i++)
        printf(strchr("\"\\", label[i]) || (unsigned char)label[i] < ' ' ? "\\u%04x" : "%c", label[i]);
    printf("\", [");
    for (size_t i = 0; i < count; i++) printf("%s%.17g", i ? ", " : "", row[i]);
    printf("]]");
}

static struct text *read_texts(const char *path, size_t *count)
{
    FILE *file = fopen(path, "rb");
    struct text *texts = NULL, text;
    if (!file) {
        fprintf(stderr, "error: %s: cannot be opened\n", path);
        exit(2);
    }
    for (*count = 0; fscanf(file, "%zu", &text.size) == 1 && fgetc(file) == '\n'; ++*count) {
        text.bytes = malloc(text.size + 1);
        texts = realloc(texts, (*count + 1) * sizeof text);
        if (!text.bytes || !texts || fread(text.bytes, 1, text.size, file) != text.size) {
            fprintf(stderr, "error: %s: text %zu is cut off\n", path, *count + 1);
            exit(2);
        }
        texts[*count] = text;
    }
    fclose(file);
    return texts;
}

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[2], "about")) {
        printf("{\"runtime\": \"libonnxruntime %s, from C\"}\n", OrtGetApiBase()->GetVersionString());
        return 0;
    }
    if (argc != 4) {
        fprintf(stderr, "usage: %s FILE about|score|time [TEXTS]\n", argv[0]);
        return 2;
    }
    size_t count;
    struct text *texts = read_texts(argv[3], &count);
    OrtSession *session = load(argv[1]);
    OrtValue *outputs[2];
    int timed = !strcmp(argv[2], "time");
    for (size_t i = 0; timed && i < count && i < WARM_UP; i++) {
        classify(session, &texts[i], outputs);
        release(outputs);
    }
    printf(timed ? "{\"text_to_label\": [" : "{\"answers\": [");
    for (size_t i = 0; i < count; i++) {
        long long before = now();
        classify(session, &texts[i], outputs);
        long long taken = now() - before;
        printf(i ? ", " : "");
        if (timed)
            printf("%lld", taken);
        else
            print_answer(outputs);
        release(outputs);
    }
    printf("]}\n");
    return 0;
}
