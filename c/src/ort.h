/**
 * The part of ONNX Runtime's C API that a model needs.
 *
 * ONNX Runtime publishes its API as one table of functions that is only ever added to: the place of a function in the table
 * never changes, and asking for version 1 of the API gives the table of any later release. Registry packages that ship the
 * shared library (PyPI's onnxruntime) do not ship onnxruntime_c_api.h, so the functions used here are declared by their
 * places. Places and signatures are those of the header of ONNX Runtime 1.x (MIT licence, Microsoft Corporation).
 */
#ifndef ORT_H
#define ORT_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define ORT_CALL __stdcall
#else
#define ORT_CALL
#endif

typedef struct OrtStatus OrtStatus; /* NULL: all is well */
typedef struct OrtEnv OrtEnv;
typedef struct OrtSession OrtSession;
typedef struct OrtSessionOptions OrtSessionOptions;
typedef struct OrtValue OrtValue;
typedef struct OrtTypeInfo OrtTypeInfo;
typedef struct OrtTensorTypeAndShapeInfo OrtTensorInfo;
typedef struct OrtMemoryInfo OrtMemoryInfo;
typedef struct OrtModelMetadata OrtModelMetadata;
typedef struct OrtAllocator OrtAllocator;

typedef void(ORT_CALL *OrtFunction)(void);

/** The table; see `ORT`. */
typedef struct OrtApi {
  OrtFunction functions[1];
} OrtApi;

typedef struct OrtApiBase {
  const OrtApi *(ORT_CALL *get_api)(uint32_t version);
  const char *(ORT_CALL *version_text)(void);
} OrtApiBase;

const OrtApiBase *ORT_CALL OrtGetApiBase(void);

enum {
  ORT_API_VERSION = 1,
  ORT_LOGGING_FATAL = 4,
  ORT_FLOAT = 1,            /* ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT */
  ORT_ARENA_ALLOCATOR = 1,  /* OrtArenaAllocator */
  ORT_MEMORY_DEFAULT = 0,   /* OrtMemTypeDefault */
};

/** Places and types of functions: name, place, result, parameters. */
#define ORT_FUNCTIONS(F)                                                                                                      \
  F(GetErrorMessage, 2, const char *, (const OrtStatus *))                                                                    \
  F(CreateEnv, 3, OrtStatus *, (int severity, const char *name, OrtEnv **))                                                   \
  F(DisableTelemetryEvents, 6, OrtStatus *, (const OrtEnv *))                                                                 \
  F(CreateSessionFromArray, 8, OrtStatus *, (const OrtEnv *, const void *, size_t, const OrtSessionOptions *, OrtSession **)) \
  F(Run, 9, OrtStatus *,                                                                                                      \
    (OrtSession *, const void *options, const char *const *, const OrtValue *const *, size_t, const char *const *, size_t,    \
     OrtValue **))                                                                                                            \
  F(CreateSessionOptions, 10, OrtStatus *, (OrtSessionOptions **))                                                            \
  F(SetSessionLogSeverityLevel, 22, OrtStatus *, (OrtSessionOptions *, int))                                                  \
  F(SetIntraOpNumThreads, 24, OrtStatus *, (OrtSessionOptions *, int))                                                        \
  F(SetInterOpNumThreads, 25, OrtStatus *, (OrtSessionOptions *, int))                                                        \
  F(SessionGetInputCount, 30, OrtStatus *, (const OrtSession *, size_t *))                                                    \
  F(SessionGetOutputCount, 31, OrtStatus *, (const OrtSession *, size_t *))                                                   \
  F(SessionGetInputTypeInfo, 33, OrtStatus *, (const OrtSession *, size_t, OrtTypeInfo **))                                   \
  F(SessionGetOutputTypeInfo, 34, OrtStatus *, (const OrtSession *, size_t, OrtTypeInfo **))                                  \
  F(SessionGetInputName, 36, OrtStatus *, (const OrtSession *, size_t, OrtAllocator *, char **))                              \
  F(SessionGetOutputName, 37, OrtStatus *, (const OrtSession *, size_t, OrtAllocator *, char **))                             \
  F(CreateTensorWithDataAsOrtValue, 49, OrtStatus *,                                                                          \
    (const OrtMemoryInfo *, void *, size_t, const int64_t *, size_t, int type, OrtValue **))                                  \
  F(GetTensorMutableData, 51, OrtStatus *, (OrtValue *, void **))                                                             \
  F(CastTypeInfoToTensorInfo, 55, OrtStatus *, (const OrtTypeInfo *, const OrtTensorInfo **))                                 \
  F(GetTensorElementType, 60, OrtStatus *, (const OrtTensorInfo *, int *))                                                    \
  F(GetDimensionsCount, 61, OrtStatus *, (const OrtTensorInfo *, size_t *))                                                   \
  F(GetDimensions, 62, OrtStatus *, (const OrtTensorInfo *, int64_t *, size_t))                                               \
  F(GetTensorTypeAndShape, 65, OrtStatus *, (const OrtValue *, OrtTensorInfo **))                                             \
  F(CreateCpuMemoryInfo, 69, OrtStatus *, (int allocator, int memory, OrtMemoryInfo **))                                      \
  F(AllocatorFree, 76, OrtStatus *, (OrtAllocator *, void *))                                                                 \
  F(GetAllocatorWithDefaultOptions, 78, OrtStatus *, (OrtAllocator **))                                                       \
  F(ReleaseEnv, 92, void, (OrtEnv *))                                                                                         \
  F(ReleaseStatus, 93, void, (OrtStatus *))                                                                                   \
  F(ReleaseMemoryInfo, 94, void, (OrtMemoryInfo *))                                                                           \
  F(ReleaseSession, 95, void, (OrtSession *))                                                                                 \
  F(ReleaseValue, 96, void, (OrtValue *))                                                                                     \
  F(ReleaseTypeInfo, 98, void, (OrtTypeInfo *))                                                                               \
  F(ReleaseTensorTypeAndShapeInfo, 99, void, (OrtTensorInfo *))                                                               \
  F(ReleaseSessionOptions, 100, void, (OrtSessionOptions *))                                                                  \
  F(SessionGetModelMetadata, 111, OrtStatus *, (const OrtSession *, OrtModelMetadata **))                                     \
  F(ModelMetadataLookupCustomMetadataMap, 116, OrtStatus *,                                                                   \
    (const OrtModelMetadata *, OrtAllocator *, const char *key, char **))                                                     \
  F(ReleaseModelMetadata, 118, void, (OrtModelMetadata *))

#define ORT_TYPE(name, place, result, parameters) typedef result(ORT_CALL *Ort##name) parameters;
ORT_FUNCTIONS(ORT_TYPE)
#undef ORT_TYPE

#define ORT_PLACE(name, place, result, parameters) ORT_PLACE_##name = (place),
enum { ORT_FUNCTIONS(ORT_PLACE) };
#undef ORT_PLACE

/** A function of the table. */
#define ORT(api, name) ((Ort##name)((const OrtFunction *)(api))[ORT_PLACE_##name])

#endif
